// podsIn(), containersOf() and selects() read parsed manifests. The types list only the fields that the tests read.

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly data?: Readonly<Record<string, string>>;
  /** ConfigMap only. */
  readonly immutable?: boolean;
  readonly spec?: Spec;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Labels;
}

export type Labels = Readonly<Record<string, string>>;

/** The spec of any kind, with the fields that a policy reads. */
export interface Spec {
  readonly selector?: Selector | Labels;
  readonly podSelector?: Selector;
  readonly ports?: readonly ServicePort[];
  readonly ingress?: readonly NetworkRule[];
  readonly egress?: readonly NetworkRule[];
  readonly policyTypes?: readonly string[];
  readonly secretName?: string;
  readonly dnsNames?: readonly string[];
  readonly uris?: readonly string[];
  /** TrainJob only. */
  readonly runtimeRef?: { readonly name: string };
  /** JobSet only. */
  readonly failurePolicy?: { readonly rules: readonly { readonly name: string }[] };
  /** The JobSet of a runtime, or the pod template of a workload. */
  readonly template?: { readonly spec: Spec };
}

export interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: string[];
  }[];
}

export interface ServicePort {
  readonly port: number;
  readonly targetPort?: number | string;
}

export interface NetworkRule {
  readonly from?: readonly NetworkPeer[];
  readonly to?: readonly NetworkPeer[];
  readonly ports?: readonly { readonly protocol: string; readonly port: number }[];
}

export interface NetworkPeer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string };
}

export interface PodTemplate {
  readonly metadata: { readonly labels?: Labels };
  readonly spec: PodSpec;
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly topologySpreadConstraints?: readonly { readonly labelSelector: Selector }[];
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
}

export interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface Probe {
  readonly grpc?: { readonly port: number };
  readonly httpGet?: { readonly port: number | string };
}

export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
  readonly projected?: { readonly sources: readonly { readonly secret?: { readonly name: string } }[] };
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

/** A pod template, and the spec that contains it: that of a Job or a Deployment; empty for a Pod. */
export interface DescribedPod {
  /** The name in complaints, such as `JobSet/lockstep worker`. */
  readonly name: string;
  /** The role: the label app.kubernetes.io/component. */
  readonly component: string | undefined;
  readonly template: PodTemplate;
  readonly owner: Spec;
}

export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`;
}

export function podsIn(documents: readonly Manifest[]): DescribedPod[] {
  return documents.flatMap((document) =>
    document.kind === "Pod"
      ? [describedPod(nameOf(document), document as unknown as PodTemplate, {})]
      : templatesIn(document.spec, nameOf(document)),
  );
}

/** Finds templates at any depth of a custom resource: an object whose spec has containers is a template. */
function templatesIn(value: unknown, name: string): DescribedPod[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => templatesIn(item, name));
  const { template } = value as { readonly template?: Partial<PodTemplate> };
  if (template?.spec?.containers !== undefined) {
    const named = `${name} ${template.spec.containers.map((container) => container.name).join("+")}`;
    // The tests validate the schemas first: a template with containers is complete.
    return [describedPod(named, template as PodTemplate, value as Spec)];
  }
  return Object.values(value).flatMap((item) => templatesIn(item, name));
}

function describedPod(name: string, template: PodTemplate, owner: Spec): DescribedPod {
  return { name, component: template.metadata.labels?.["app.kubernetes.io/component"], template, owner };
}

export function containersOf({ initContainers = [], containers }: PodSpec): readonly Container[] {
  return [...initContainers, ...containers];
}

/** An empty selector selects everything. */
export function selects(selector: Selector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== "In") throw new Error(`matchExpressions: this test does not support the operator ${operator}`);
      return labels[key] !== undefined && values.includes(labels[key]);
    })
  );
}
