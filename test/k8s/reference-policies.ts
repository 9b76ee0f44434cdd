// referencePolicies check the references among the documents of one overlay: every name refers to an existing object,
// every selector selects a pod, and a container listens on every port.
import {
  containersOf,
  type DescribedPod,
  type Manifest,
  type NetworkPeer,
  nameOf,
  podsIn,
  type Selector,
  type Spec,
  selects,
  type Volume,
} from "./manifest.js";

export type ReferencePolicy = (documents: readonly Manifest[]) => string[];

/** Secrets that a person creates (docs/kubernetes.md), unless a document of the overlay does. */
const createdByPerson = ["lockstep-join-token"];
const clusterScoped = ["Namespace", "ClusterTrainingRuntime"];

export const referencePolicies: Readonly<Record<string, ReferencePolicy>> = {
  "everything is in our namespace": (documents) =>
    documents
      .filter(({ kind, metadata }) => metadata.namespace !== (clusterScoped.includes(kind) ? undefined : "lockstep"))
      .map((document) => `${nameOf(document)}: namespace ${document.metadata.namespace}`),

  "no two documents have the same name": (documents) => {
    const names = documents.map(nameOf);
    return names.filter((name, index) => names.indexOf(name) !== index);
  },

  "settings cannot change during a run": (documents) =>
    documents
      .filter(({ kind, metadata, immutable }) => {
        return kind === "ConfigMap" && metadata.name === "lockstep-settings" && immutable !== true;
      })
      .map((document) => `${nameOf(document)}: may change while pods read it`),

  "volumes and accounts exist": (documents) => {
    const secrets = [
      ...namesOf(documents, "Secret"),
      ...documents.flatMap(({ kind, spec }) => (kind === "Certificate" ? (spec?.secretName ?? []) : [])),
      ...createdByPerson,
    ];
    const known: Readonly<Record<string, readonly string[]>> = {
      ConfigMap: namesOf(documents, "ConfigMap"),
      Secret: secrets,
      PersistentVolumeClaim: namesOf(documents, "PersistentVolumeClaim"),
      ServiceAccount: namesOf(documents, "ServiceAccount"),
    };
    return podsIn(documents).flatMap(({ name, template: { spec } }) =>
      [
        ...(spec.volumes ?? []).flatMap(referencesOf),
        { kind: "ServiceAccount", name: spec.serviceAccountName ?? "default" },
      ]
        .filter((reference) => known[reference.kind]?.includes(reference.name) !== true)
        .map((reference) => `${name}: ${reference.kind} ${reference.name} does not exist`),
    );
  },

  "containers mount the volumes of their pod": (documents) =>
    podsIn(documents).flatMap(({ name, template: { spec } }) => {
      const volumes = (spec.volumes ?? []).map((volume) => volume.name);
      const mounted = containersOf(spec).flatMap(({ volumeMounts = [] }) => volumeMounts.map((mount) => mount.name));
      return [
        ...mounted.filter((mount) => !volumes.includes(mount)).map((mount) => `${name}: no volume ${mount}`),
        ...volumes.filter((volume) => !mounted.includes(volume)).map((volume) => `${name}: ${volume} is not mounted`),
      ];
    }),

  "probes use ports of their container": (documents) =>
    podsIn(documents).flatMap(({ name, template: { spec } }) =>
      spec.containers.flatMap(({ startupProbe, readinessProbe, livenessProbe, ports = [] }) =>
        [startupProbe, readinessProbe, livenessProbe]
          .flatMap((probe) => probe?.grpc?.port ?? probe?.httpGet?.port ?? [])
          .filter((port) => ports.every((known) => known.name !== port && known.containerPort !== port))
          .map((port) => `${name}: a probe uses port ${port}, which the container does not have`),
      ),
    ),

  "selectors select pods": (documents) => {
    const pods = podsIn(documents);
    const selectsPod = (selector: Selector): boolean => pods.some((pod) => selects(selector, labelsOf(pod)));
    return documents
      .flatMap((document) => selectorsOf(document).map((selector) => ({ document, selector })))
      .filter(({ selector }) => !selectsPod(selector))
      .map(({ document, selector }) => `${nameOf(document)}: ${JSON.stringify(selector)} selects no pod`);
  },

  "topology spread constraints count the pod itself": (documents) =>
    podsIn(documents).flatMap((pod) =>
      (pod.template.spec.topologySpreadConstraints ?? [])
        .filter(({ labelSelector }) => !selects(labelSelector, labelsOf(pod)))
        .map(() => `${pod.name}: its topology spread constraint does not select it`),
    ),

  "pods listen on the ports of Services": (documents) =>
    documents
      .filter(({ kind }) => kind === "Service")
      .flatMap((service) => {
        const pods = podsIn(documents).filter((pod) => selects({ matchLabels: labelMap(service.spec) }, labelsOf(pod)));
        return (service.spec?.ports ?? [])
          .map(({ port, targetPort = port }) => targetPort)
          .filter((port) => !pods.every((pod) => listensOn(pod, port)))
          .map((port) => `${nameOf(service)}: its pods do not listen on ${port}`);
      }),

  "pods listen on the ports of NetworkPolicies": (documents) =>
    documents
      .filter(({ kind }) => kind === "NetworkPolicy")
      .flatMap((policy) =>
        [
          ...(policy.spec?.ingress ?? []).map(({ ports }) => ({ ports, listeners: policy.spec?.podSelector })),
          ...(policy.spec?.egress ?? []).map(({ ports, to }) => ({ ports, listeners: ownPods(to) })),
        ].flatMap(({ ports = [], listeners }) => {
          if (listeners === undefined) return [];
          const pods = podsIn(documents).filter((pod) => selects(listeners, labelsOf(pod)));
          return ports
            .filter(({ port }) => !pods.some((pod) => listensOn(pod, port)))
            .map(({ port }) => `${nameOf(policy)}: no pod listens on ${port}`);
        }),
      ),

  // JobSet's admission webhook requires this; its schema does not.
  "failure rules have names that JobSet accepts": (documents) =>
    documents.flatMap((document) =>
      failureRulesOf(document)
        .filter(({ name }) => !/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/.test(name))
        .map(
          ({ name }) => `${nameOf(document)}: failure rule ${name}: only letters, digits, "_", "," and ":" are allowed`,
        ),
    ),

  "the coordinator's certificate has the Service's name": (documents) => {
    const certificates = documents.filter(({ kind, spec }) => kind === "Certificate" && spec?.dnsNames !== undefined);
    return certificates
      .filter(({ spec }) => namesOf(documents, "Service").some((name) => spec?.dnsNames?.includes(name) !== true))
      .map((certificate) => `${nameOf(certificate)}: does not contain the name of a Service`);
  },
};

function failureRulesOf({ spec }: Manifest) {
  return (spec?.failurePolicy ?? spec?.template?.spec?.failurePolicy)?.rules ?? [];
}

function namesOf(documents: readonly Manifest[], kind: string): string[] {
  return documents.filter((document) => document.kind === kind).map(({ metadata }) => metadata.name);
}

function referencesOf({ configMap, secret, projected, persistentVolumeClaim }: Volume) {
  return [
    ...(configMap === undefined ? [] : [{ kind: "ConfigMap", name: configMap.name }]),
    ...(secret === undefined ? [] : [{ kind: "Secret", name: secret.secretName }]),
    ...(projected?.sources ?? [])
      .flatMap((source) => source.secret ?? [])
      .map(({ name }) => ({ kind: "Secret", name })),
    ...(persistentVolumeClaim === undefined
      ? []
      : [{ kind: "PersistentVolumeClaim", name: persistentVolumeClaim.claimName }]),
  ];
}

/** The selector of a Service is a plain map of labels; the other selectors have matchLabels. */
function selectorsOf({ kind, spec = {} }: Manifest): Selector[] {
  if (kind === "Service") return [{ matchLabels: labelMap(spec) }];
  if (kind === "NetworkPolicy") {
    const rules = [...(spec.ingress ?? []), ...(spec.egress ?? [])];
    const peers = rules.flatMap(({ from = [], to = [] }) => [...from, ...to]);
    return [spec.podSelector ?? {}, ...peers.filter(isOurs).flatMap(({ podSelector }) => podSelector ?? [])];
  }
  return spec.selector === undefined ? [] : [spec.selector as Selector]; // of a Deployment, a PodDisruptionBudget or a PodMonitor
}

function labelMap(spec: Spec | undefined) {
  return (spec?.selector ?? {}) as Readonly<Record<string, string>>; // the schema of a Service guarantees it
}

function isOurs({ namespaceSelector, podSelector }: NetworkPeer): boolean {
  return namespaceSelector === undefined && podSelector !== undefined;
}

function ownPods(peers: readonly NetworkPeer[] = []): Selector | undefined {
  return peers.find(isOurs)?.podSelector;
}

function labelsOf({ template }: DescribedPod) {
  return template.metadata.labels ?? {};
}

function listensOn({ template }: DescribedPod, port: number | string): boolean {
  return template.spec.containers.some(({ ports = [] }) =>
    ports.some(({ name, containerPort }) => port === name || port === containerPort),
  );
}
