// Checks that the parts of one overlay fit each other: `referencePolicies`. Every name leads to something, every selector finds a
// pod, and something listens on every port.
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

/** Secrets that a person makes (docs/kubernetes.md), where no document of the overlay does. */
const madeByHand = ["lockstep-join-token"];
const clusterScoped = ["Namespace", "ClusterTrainingRuntime"];

export const referencePolicies: Readonly<Record<string, ReferencePolicy>> = {
  "everything is in our namespace": (documents) =>
    documents
      .filter(({ kind, metadata }) => metadata.namespace !== (clusterScoped.includes(kind) ? undefined : "lockstep"))
      .map((document) => `${nameOf(document)}: namespace ${document.metadata.namespace}`),

  "no document comes twice": (documents) => {
    const names = documents.map(nameOf);
    return names.filter((name, index) => names.indexOf(name) !== index);
  },

  "settings do not change under a run": (documents) =>
    documents
      .filter(({ kind, metadata, immutable }) => {
        return kind === "ConfigMap" && metadata.name === "lockstep-settings" && immutable !== true;
      })
      .map((document) => `${nameOf(document)}: may change while pods read it`),

  "volumes and accounts are there": (documents) => {
    const secrets = [
      ...namesOf(documents, "Secret"),
      ...documents.flatMap(({ kind, spec }) => (kind === "Certificate" ? (spec?.secretName ?? []) : [])),
      ...madeByHand,
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
        .map((reference) => `${name}: ${reference.kind} ${reference.name} is nowhere`),
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

  "probes ask at ports of their container": (documents) =>
    podsIn(documents).flatMap(({ name, template: { spec } }) =>
      spec.containers.flatMap(({ startupProbe, readinessProbe, livenessProbe, ports = [] }) =>
        [startupProbe, readinessProbe, livenessProbe]
          .flatMap((probe) => probe?.grpc?.port ?? probe?.httpGet?.port ?? [])
          .filter((port) => ports.every((known) => known.name !== port && known.containerPort !== port))
          .map((port) => `${name}: a probe asks at port ${port}, which the container does not have`),
      ),
    ),

  "selectors find pods": (documents) => {
    const pods = podsIn(documents);
    const finds = (selector: Selector): boolean => pods.some((pod) => selects(selector, labelsOf(pod)));
    return documents
      .flatMap((document) => selectorsOf(document).map((selector) => ({ document, selector })))
      .filter(({ selector }) => !finds(selector))
      .map(({ document, selector }) => `${nameOf(document)}: ${JSON.stringify(selector)} selects no pod`);
  },

  "pods are spread among their own kind": (documents) =>
    podsIn(documents).flatMap((pod) =>
      (pod.template.spec.topologySpreadConstraints ?? [])
        .filter(({ labelSelector }) => !selects(labelSelector, labelsOf(pod)))
        .map(() => `${pod.name}: is not among those that it counts`),
    ),

  "a Service's ports are listened on": (documents) =>
    documents
      .filter(({ kind }) => kind === "Service")
      .flatMap((service) => {
        const pods = podsIn(documents).filter((pod) => selects({ matchLabels: labelMap(service.spec) }, labelsOf(pod)));
        return (service.spec?.ports ?? [])
          .map(({ port, targetPort = port }) => targetPort)
          .filter((port) => !pods.every((pod) => listensOn(pod, port)))
          .map((port) => `${nameOf(service)}: its pods do not listen on ${port}`);
      }),

  "a NetworkPolicy's ports are listened on": (documents) =>
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
            .map(({ port }) => `${nameOf(policy)}: nobody listens on ${port}`);
        }),
      ),

  // What JobSet's admission webhook demands besides its schema.
  "failure rules have names that JobSet takes": (documents) =>
    documents.flatMap((document) =>
      failureRulesOf(document)
        .filter(({ name }) => !/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/.test(name))
        .map(({ name }) => `${nameOf(document)}: failure rule ${name}: letters, digits, "_", "," and ":" alone`),
    ),

  "the coordinator's certificate has the Service's name": (documents) => {
    const certificates = documents.filter(({ kind, spec }) => kind === "Certificate" && spec?.dnsNames !== undefined);
    return certificates
      .filter(({ spec }) => namesOf(documents, "Service").some((name) => spec?.dnsNames?.includes(name) !== true))
      .map((certificate) => `${nameOf(certificate)}: lacks the name of a Service`);
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

/** A Service's selector is a plain map of labels; the others' have matchLabels. */
function selectorsOf({ kind, spec = {} }: Manifest): Selector[] {
  if (kind === "Service") return [{ matchLabels: labelMap(spec) }];
  if (kind === "NetworkPolicy") {
    const rules = [...(spec.ingress ?? []), ...(spec.egress ?? [])];
    const peers = rules.flatMap(({ from = [], to = [] }) => [...from, ...to]);
    return [spec.podSelector ?? {}, ...peers.filter(isOurs).flatMap(({ podSelector }) => podSelector ?? [])];
  }
  return spec.selector === undefined ? [] : [spec.selector as Selector]; // a Deployment's, a budget's, a PodMonitor's
}

function labelMap(spec: Spec | undefined) {
  return (spec?.selector ?? {}) as Readonly<Record<string, string>>; // the schema of a Service says so
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
