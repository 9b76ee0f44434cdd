// Owns what NetworkPolicies let through, as their documentation defines it: a pod that a policy of a direction selects
// takes only what some rule allows; both ends have to allow it.
import { type Labels, type Manifest, type NetworkPeer, type NetworkRule, type Selector, selects } from "./manifest.js";

export interface Endpoint {
  readonly namespace: string;
  readonly labels: Labels;
}

export interface Connection {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly port: number;
  /** Default TCP. */
  readonly protocol?: string;
}

export function isAllowed(documents: readonly Manifest[], connection: Connection): boolean {
  const { from, to } = connection;
  const policies = documents.filter(({ kind }) => kind === "NetworkPolicy");
  return (
    mayPass(policies, "Egress", { self: from, peer: to, connection }) &&
    mayPass(policies, "Ingress", { self: to, peer: from, connection })
  );
}

function mayPass(
  policies: readonly Manifest[],
  direction: "Ingress" | "Egress",
  { self, peer, connection }: { readonly self: Endpoint; readonly peer: Endpoint; readonly connection: Connection },
): boolean {
  const selecting = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === self.namespace &&
      spec?.policyTypes?.includes(direction) === true &&
      selects(spec.podSelector ?? {}, self.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some(({ metadata, spec }) =>
    (direction === "Ingress" ? (spec?.ingress ?? []) : (spec?.egress ?? [])).some(
      (rule) => hasPort(rule, connection) && peersOf(rule).some((allowed) => isPeer(allowed, peer, metadata.namespace)),
    ),
  );
}

function hasPort({ ports = [] }: NetworkRule, { port, protocol = "TCP" }: Connection): boolean {
  return ports.some((allowed) => allowed.port === port && allowed.protocol === protocol);
}

function peersOf({ from = [], to = [] }: NetworkRule): readonly NetworkPeer[] {
  return [...from, ...to];
}

/** Addresses are not looked at: no endpoint of a test has one. */
function isPeer({ podSelector, namespaceSelector }: NetworkPeer, peer: Endpoint, own: string | undefined): boolean {
  if (podSelector === undefined && namespaceSelector === undefined) return false;
  const inNamespace =
    namespaceSelector === undefined ? peer.namespace === own : selects(namespaceSelector, namespaceLabels(peer));
  return inNamespace && selects(podSelector ?? ({} satisfies Selector), peer.labels);
}

function namespaceLabels({ namespace }: Endpoint): Labels {
  return { "kubernetes.io/metadata.name": namespace };
}
