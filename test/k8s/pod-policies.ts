// Owns what every pod of ours has to hold to, beyond being valid. Each policy names what is wrong, one line a fault.
import type { Container, DescribedPod, Volume } from "./manifest.js";

export type PodPolicy = (pod: DescribedPod) => string[];

export const podPolicies: Readonly<Record<string, PodPolicy>> = {
  "images have a tag that is no moving target": forContainers(({ image }) => {
    const tag = /:([\w.-]+)$/.exec(image)?.[1];
    if (tag === undefined) return [`image ${image}: has no tag`];
    return tag === "latest" ? [`image ${image}: latest is whatever was pushed last`] : [];
  }),

  "resources are asked for and bounded": forContainers(({ resources }) => {
    const { requests = {}, limits = {} } = resources ?? {};
    return [
      ...["cpu", "memory", "ephemeral-storage"]
        .filter((name) => !(name in requests))
        .map((name) => `requests no ${name}`),
      ...["memory", "ephemeral-storage"].filter((name) => !(name in limits)).map((name) => `no limit of ${name}`),
      ...Object.entries(limits)
        .filter(([name, limit]) => name !== "cpu" && requests[name] !== limit)
        .map(([name, limit]) => `${name}: a request of ${requests[name]} below the limit of ${limit} is overcommitted`),
    ];
  }),

  // https://kubernetes.io/docs/concepts/security/pod-security-standards/, restricted; and our own user and read-only root
  "pods keep the restricted standard": ({ template: { spec } }) => {
    const { securityContext: context = {} } = spec;
    return [
      ...(["hostNetwork", "hostPID", "hostIPC"] as const)
        .filter((name) => spec[name] === true)
        .map((name) => `${name} is on`),
      ...(context.runAsNonRoot === true ? [] : ["runAsNonRoot is not true"]),
      ...(["runAsUser", "runAsGroup", "fsGroup"] as const)
        .filter((name) => context[name] !== 10001)
        .map((name) => `${name} ${context[name]}: the image's user is 10001`),
      ...(context.seccompProfile?.type === "RuntimeDefault" ? [] : ["no seccomp profile RuntimeDefault"]),
      ...(spec.volumes ?? [])
        .filter((volume) => !isAllowed(volume))
        .map(({ name }) => `volume ${name}: its kind is not allowed`),
    ];
  },
  "containers keep the restricted standard": forContainers(({ securityContext: context = {} }) => [
    ...(context.allowPrivilegeEscalation === false ? [] : ["may escalate privileges"]),
    ...(context.capabilities?.drop?.includes("ALL") === true ? [] : ["keeps capabilities"]),
    ...(context.capabilities?.add === undefined ? [] : ["adds capabilities"]),
    ...(context.readOnlyRootFilesystem === true ? [] : ["may write to its image"]),
  ]),
  "pods have no token for the Kubernetes API": ({ template: { spec } }) => [
    ...(spec.automountServiceAccountToken === false ? [] : ["gets a token"]),
    ...(spec.serviceAccountName === "lockstep" ? [] : [`serviceAccountName ${spec.serviceAccountName}`]),
    ...(spec.enableServiceLinks === false ? [] : ["gets a variable for every Service of the namespace"]),
  ],

  "what writes has a place for it": ({ template: { spec } }) => {
    const volumes = spec.volumes ?? [];
    const mounts = containersOf(spec).flatMap(({ volumeMounts = [] }) => volumeMounts);
    return [
      ...(mounts.some(({ mountPath }) => mountPath === "/tmp") ? [] : ["no /tmp"]),
      ...mounts
        .filter(({ name }) => volumes.every((volume) => volume.name !== name))
        .map(({ name }) => `mounts ${name}, which is no volume`),
      ...volumes
        .filter(({ name }) => mounts.every((mount) => mount.name !== name))
        .map(({ name }) => `volume ${name} is mounted nowhere`),
      ...volumes
        .filter(({ emptyDir }) => emptyDir !== undefined && emptyDir.sizeLimit === undefined)
        .map(({ name }) => `emptyDir ${name} has no sizeLimit`),
    ];
  },

  "what stays up is probed, at ports that it has": ({ template: { spec }, name }) => {
    if (name.startsWith("Pod/")) return []; // a person's shell
    return spec.containers.flatMap((container) => {
      const { startupProbe, readinessProbe, livenessProbe, ports = [] } = container;
      const probed = [startupProbe, readinessProbe, livenessProbe].flatMap(
        (probe) => probe?.grpc?.port ?? probe?.httpGet?.port ?? [],
      );
      return [
        ...(livenessProbe === undefined ? ["no livenessProbe"] : []),
        ...(spec.restartPolicy === "Never" && startupProbe === undefined
          ? ["no startupProbe: decoding images takes its time"]
          : []),
        ...probed
          .filter((port) => ports.every((known) => known.name !== port && known.containerPort !== port))
          .map((port) => `probes port ${port}, which it has not`),
      ];
    });
  },

  "a Job knows our exit codes": ({ template: { spec }, owner, name }) => {
    if (spec.restartPolicy !== "Never" || name.startsWith("Pod/")) return [];
    const rules = owner.podFailurePolicy?.rules ?? [];
    const forCode = (code: number) => rules.find(({ onExitCodes }) => onExitCodes?.values.includes(code))?.action;
    const disrupted = rules.find(({ onPodConditions }) =>
      onPodConditions?.some(({ type }) => type === "DisruptionTarget"),
    );
    return [
      ...(forCode(2) === "FailJob" ? [] : ["exit code 2, a user's mistake, must fail the Job"]),
      ...(name.includes("coordinator") || forCode(3) === "Count"
        ? []
        : ["exit code 3, an unfit machine, must count as a failure and fail no other worker"]),
      ...(forCode(130) === "Ignore" ? [] : ["exit code 130, a stop, must not count as a failure"]),
      ...(disrupted?.action === "Ignore" ? [] : ["an eviction must not count as a failure"]),
    ];
  },

  "pods on GPU nodes are let onto them": ({ template: { spec } }) => {
    const wantsGpu = containersOf(spec).some(({ resources }) => "nvidia.com/gpu" in (resources?.limits ?? {}));
    const tolerates = spec.tolerations?.some(({ key }) => key === "nvidia.com/gpu") === true;
    if (wantsGpu === tolerates) return [];
    return [
      wantsGpu ? "wants a GPU and does not tolerate their nodes' taint" : "tolerates GPU nodes' taint and wants no GPU",
    ];
  },

  "who holds a GPU computes on it or ends": forContainers(({ resources, env = [] }) => {
    const holdsGpu = "nvidia.com/gpu" in (resources?.limits ?? {});
    const device = env.find(({ name }) => name === "LOCKSTEP_DEVICE")?.value;
    return holdsGpu && device !== "cuda" ? [`holds a GPU, LOCKSTEP_DEVICE is ${device}: it may compute without`] : [];
  }),
};

export function containersOf({
  initContainers = [],
  containers,
}: DescribedPod["template"]["spec"]): readonly Container[] {
  return [...initContainers, ...containers];
}

function forContainers(policy: (container: Container) => string[]): PodPolicy {
  return ({ template }) => containersOf(template.spec).flatMap(policy);
}

function isAllowed({ configMap, secret, projected, persistentVolumeClaim, emptyDir }: Volume): boolean {
  return [configMap, secret, projected, persistentVolumeClaim, emptyDir].some((kind) => kind !== undefined);
}
