// The checks that overlays pass do find what they are for: each gets an overlay with one fault.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { needsKustomize } from "@lockstep/testkit";
import { commandLineComplaints } from "./command-lines.js";
import { type Manifest, podsIn } from "./manifest.js";
import { podPolicies } from "./pod-policies.js";
import { referencePolicies } from "./reference-policies.js";
import { copyKustomizations, type Kustomizations } from "./render.js";
import { schemaComplaints } from "./schemas.js";

const skip = needsKustomize();
let kustomizations: Kustomizations;
let sound: string;
before(async () => {
  kustomizations = await copyKustomizations();
  if (skip !== false) return;
  const jobSet = (await kustomizations.render("overlays/jobset")).filter(({ kind }) => kind === "JobSet");
  sound = JSON.stringify([...(await kustomizations.render("overlays/gpu")), ...jobSet]);
});
after(() => kustomizations.remove());

/** `replace` in the text of all documents: what a slip of the pen would do. */
function faulty(replace: string, by: string): Manifest[] {
  assert.ok(sound.includes(replace), `${replace} is not there any more`);
  return JSON.parse(sound.replaceAll(replace, by));
}

const slips: readonly { replace: string; by: string; found: RegExp }[] = [
  {
    replace: '"backoffLimit"',
    by: '"backofLimit"',
    found: /^Job\/lockstep-\w+: \/spec\/backofLimit is no field of it$/,
  },
  {
    replace: '"minAvailable":1',
    by: '"minAvailable":[]',
    found: /^PodDisruptionBudget\/.*: \/spec\/minAvailable must be/,
  },
  { replace: '"usages"', by: '"usage"', found: /^Certificate\/lockstep-worker: \/spec\/usage is no field of it$/ },
  {
    replace: '"kind":"PodMonitor"',
    by: '"kind":"PodMonitors"',
    found: /no schema for monitoring.coreos.com\/v1 PodMonitors$/,
  },
  { replace: '"status":"True",', by: "", found: /onPodConditions\/0 must have required property 'status'$/ },

  {
    replace: "lockstep:cpu",
    by: "lockstep:latest",
    found: /^Job.* image .*:latest: latest is whatever was pushed last$/,
  },
  { replace: "lockstep:cuda", by: "lockstep", found: /^Job.* worker: image .*: has no tag$/ },
  { replace: '"requests":{"cpu":"2",', by: '"requests":{', found: /^Job.* coordinator: requests no cpu$/ },
  { replace: '"runAsNonRoot":true', by: '"runAsNonRoot":false', found: /runAsNonRoot is not true$/ },
  { replace: '"readOnlyRootFilesystem":true', by: '"readOnlyRootFilesystem":false', found: /may write to its image$/ },
  {
    replace: '"capabilities":{"drop":["ALL"]}',
    by: '"capabilities":{"drop":["NET_RAW"]}',
    found: /keeps capabilities$/,
  },
  {
    replace: '"emptyDir":{"sizeLimit":"8Gi"}',
    by: '"hostPath":{"path":"/"}',
    found: /volume cache: its kind is not allowed$/,
  },
  { replace: '"emptyDir":{"sizeLimit":"8Gi"}', by: '"emptyDir":{}', found: /emptyDir cache has no sizeLimit$/ },
  { replace: '"automountServiceAccountToken":false,', by: "", found: /gets a token$/ },
  { replace: '"mountPath":"/tmp"', by: '"mountPath":"/temp"', found: /no \/tmp$/ },
  {
    replace: '"livenessProbe":{"failureThreshold":8,"grpc":{"port":50052,',
    by: '"livenessProbe":{"grpc":{"port":50053,',
    found: /probes port 50053, which it has not$/,
  },
  { replace: '"values":[2]', by: '"values":[3]', found: /exit code 2, a user's mistake, must fail the Job$/ },
  { replace: '"values":[3]', by: '"values":[4]', found: /worker: exit code 3, an unfit machine, must count as/ },
  { replace: '"values":[130]', by: '"values":[143]', found: /exit code 130, a stop, must not count as a failure$/ },
  { replace: '"value":"cuda"', by: '"value":"auto"', found: /worker: holds a GPU, LOCKSTEP_DEVICE is auto: / },
  { replace: '"key":"nvidia.com/gpu"', by: '"key":"gpu"', found: /wants a GPU and does not tolerate/ },

  { replace: '"immutable":true,', by: "", found: /^ConfigMap\/lockstep-settings: may change while pods read it$/ },
  {
    replace: '"name":"lockstep-settings","namespace"',
    by: '"name":"settings","namespace"',
    found: /ConfigMap lockstep-settings is nowhere$/,
  },
  {
    replace: '"secretName":"lockstep-worker-tls"',
    by: '"secretName":"lockstep-tls"',
    found: /worker: Secret lockstep-worker-tls is nowhere$/,
  },
  { replace: '"claimName":"lockstep-runs"', by: '"claimName":"runs"', found: /PersistentVolumeClaim runs is nowhere$/ },
  {
    replace: '"selector":{"app.kubernetes.io/component":"coordinator"',
    by: '"selector":{"app.kubernetes.io/component":"leader"',
    found: /^Service\/lockstep-coordinator: .* selects no pod$/,
  },
  {
    replace: '"targetPort":"grpc"',
    by: '"targetPort":"http"',
    found: /^Service\/lockstep-coordinator: its pods do not listen on http$/,
  },
  {
    replace: '"port":9464,"protocol"',
    by: '"port":9465,"protocol"',
    found: /^NetworkPolicy\/lockstep-exporter: nobody listens on 9465$/,
  },
  {
    replace: '"name":"usersMistake"',
    by: '"name":"users-mistake"',
    found: /^JobSet\/lockstep: failure rule users-mistake: /,
  },
  {
    replace: '"dnsNames":["lockstep-coordinator",',
    by: '"dnsNames":[',
    found: /^Certificate\/lockstep-coordinator: lacks the name of a Service$/,
  },
  {
    replace:
      '"kind":"ServiceAccount","metadata":{"labels":{"app.kubernetes.io/name":"lockstep"},"name":"lockstep","namespace":"lockstep"}',
    by: '"kind":"ServiceAccount","metadata":{"name":"lockstep","namespace":"other"}',
    found: /^ServiceAccount\/lockstep: namespace other$/,
  },

  { replace: "--resume=auto", by: "--resum=auto", found: /coordinator: coordinator has no --resum$/ },
  { replace: '"args":["worker"', by: '"args":["labourer"', found: /worker: labourer is no command$/ },
  { replace: "LOCKSTEP_BACKEND", by: "LOCKSTEP_BACKENDS", found: /worker: LOCKSTEP_BACKENDS is no setting$/ },
  { replace: "micro-batch:", by: "microbatch:", found: /^ConfigMap\/lockstep-settings: run.yaml: .*microbatch/ },
  {
    replace: "--listen=0.0.0.0:50051",
    by: "--listen=0.0.0.0:50050",
    found: /--listen: 50050 is no port of the container$/,
  },
  { replace: "--tls=/certs/worker", by: "--tls=/certs/wroker", found: /--tls: \/certs\/wroker is no volume$/ },
  {
    replace: "--coordinator=lockstep-coordinator:50051",
    by: "--coordinator=coordinator:50051",
    found: /--coordinator: coordinator:50051 is no Service$/,
  },
  {
    replace: "/etc/lockstep/run.yaml",
    by: "/etc/lockstep/settings.yaml",
    found: /--config: \/etc\/lockstep\/settings.yaml is in no ConfigMap$/,
  },
];

for (const { replace, by, found } of slips) {
  test(`${by === "" ? `the lack of ${replace}` : by} is found`, { skip }, async () => {
    const documents = faulty(replace, by);
    const complaints = [
      ...documents.flatMap(schemaComplaints),
      ...podsIn(documents).flatMap((pod) =>
        Object.values(podPolicies).flatMap((policy) => policy(pod).map((complaint) => `${pod.name}: ${complaint}`)),
      ),
      ...Object.values(referencePolicies).flatMap((policy) => policy(documents)),
      ...(await commandLineComplaints(documents)),
    ];
    assert.ok(
      complaints.some((complaint) => found.test(complaint)),
      complaints.join("\n"),
    );
  });
}
