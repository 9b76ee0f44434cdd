// Computes with nodes of the fixed binary tree over the V micro-batches of a pass (`TreeNode`): node (level l, index i) covers the
// leaves [i * 2^l, min((i + 1) * 2^l, V)). A node is identified by the leaves that it covers. Every node but a leaf has two
// children. The right child is the smaller one when V is not a power of two.

export interface TreeNode {
  /** The first micro-batch that the node covers. */
  readonly first: number;
  /** Number of micro-batches that the node covers, at least 1. */
  readonly count: number;
}

/** Whether one node of the tree over V leaves covers exactly first..first+count-1. */
export function isNode(first: number, count: number, V: number): boolean {
  if (!Number.isInteger(first) || !Number.isInteger(count) || first < 0 || count < 1 || first + count > V) return false;
  const span = powerOfTwoFrom(count);
  return first % span === 0 && (count === span || first + count === V);
}

/** The smallest node that covers this one and more; undefined for the root. @throws RangeError if it is not a node */
export function parentOf(node: TreeNode, V: number): TreeNode | undefined {
  requireNode(node, V);
  if (node.count === V) return undefined;
  let span = powerOfTwoFrom(node.count);
  for (;;) {
    span *= 2;
    const first = node.first - (node.first % span);
    const count = Math.min(first + span, V) - first;
    if (count > node.count) return { first, count };
  }
}

/** The left and the right child; undefined for a leaf. @throws RangeError if it is not a node */
export function childrenOf(node: TreeNode, V: number): readonly [TreeNode, TreeNode] | undefined {
  requireNode(node, V);
  if (node.count === 1) return undefined;
  const half = powerOfTwoFrom(node.count) / 2;
  return [
    { first: node.first, count: half },
    { first: node.first + half, count: node.count - half },
  ];
}

/**
 * The fewest nodes that together cover exactly first..first+count-1, ascending; empty when count is 0.
 * @throws RangeError if the range is not within 0..V-1
 */
export function decompose(first: number, count: number, V: number): TreeNode[] {
  if (!Number.isInteger(first) || !Number.isInteger(count) || first < 0 || count < 0 || first + count > V) {
    throw new RangeError(`decompose: ${count} micro-batches from ${first} are not within 0..${V - 1}`);
  }
  const nodes: TreeNode[] = [];
  const end = first + count;
  const visit = (node: TreeNode): void => {
    if (node.first + node.count <= first || node.first >= end) return;
    if (node.first >= first && node.first + node.count <= end) {
      nodes.push(node);
      return;
    }
    for (const child of childrenOf(node, V) ?? []) visit(child);
  };
  if (count > 0) visit({ first: 0, count: V });
  return nodes;
}

/** @throws RangeError if it is not a node of the tree over V leaves */
export function requireNode(node: TreeNode, V: number): void {
  if (!isNode(node.first, node.count, V)) {
    throw new RangeError(`${node.count} micro-batches from ${node.first} are not a node of the tree over ${V}`);
  }
}

/** The smallest power of two that is at least count. */
function powerOfTwoFrom(count: number): number {
  let power = 1;
  while (power < count) power *= 2;
  return power;
}
