// Plans which worker computes which node of the tree: `planLeases` simulates schedules. It prefers large nodes, because
// each lease costs one upload, and splits them where the pass then ends sooner. Pure.
import { childrenOf, type TreeNode } from "@lockstep/numerics";

export interface PlannableWorker {
  readonly slot: number;
  readonly computeThreads: number;
  /**
   * Milliseconds for a round of `computeThreads` micro-batches. Null when not measured: then the mean of the others
   * counts.
   */
  readonly roundMs: number | null;
  /** Milliseconds until the worker is idle; 0 when it is. Only idle workers get leases. */
  readonly busyMs: number;
}

export interface LeasePlanRequest {
  /** V of the pass. */
  readonly numMicroBatches: number;
  /** Disjoint nodes that no worker computes. */
  readonly outstanding: readonly TreeNode[];
  readonly workers: readonly PlannableWorker[];
  /** Time that a lease takes besides computing (weights, upload), as a fraction of a mean round. */
  readonly leaseOverhead: number;
  /** Largest number of micro-batches in a lease. */
  readonly maxCount: number;
}

export interface PlannedLease {
  readonly slot: number;
  readonly node: TreeNode;
}

/** A finer partition is chosen only if its time is less than this fraction of the coarser partition's time. */
const worthSplitting = 0.97;
const nodesPerWorker = 6;

/**
 * Returns at most one lease for each idle worker. The nodes are disjoint and lie in `outstanding`. All idle workers get
 * a lease when there are enough micro-batches. The other outstanding nodes wait for the next idle worker.
 */
export function planLeases(request: LeasePlanRequest): PlannedLease[] {
  const { workers, outstanding, maxCount } = request;
  const numIdle = workers.filter((worker) => worker.busyMs === 0).length;
  if (numIdle === 0 || outstanding.length === 0) return [];
  let nodes: TreeNode[] = [...outstanding];
  for (let split = true; split; ) {
    split = nodes.some(({ count }) => count > maxCount) || nodes.length < numIdle;
    const finer = split ? splitLargest(nodes, request.numMicroBatches) : null;
    if (finer === null) break;
    nodes = finer;
  }
  const costs = new LeaseCosts(request);
  let best = simulate(nodes, workers, costs);
  const limit = nodesPerWorker * workers.length;
  for (let finer = splitLargest(nodes, request.numMicroBatches); finer !== null && finer.length <= limit; ) {
    const schedule = simulate(finer, workers, costs);
    if (schedule.endMs < best.endMs * worthSplitting) best = schedule;
    finer = splitLargest(finer, request.numMicroBatches);
  }
  return best.leases;
}

/** Expected duration of a lease, in milliseconds. */
export function leaseMs(worker: { computeThreads: number }, roundMs: number, count: number): number {
  return Math.ceil(count / worker.computeThreads) * roundMs;
}

class LeaseCosts {
  private readonly meanRoundMs: number;
  private readonly overheadMs: number;

  constructor(request: LeasePlanRequest) {
    const measured = request.workers.flatMap(({ roundMs }) => (roundMs === null ? [] : [roundMs]));
    this.meanRoundMs = measured.length === 0 ? 1000 : measured.reduce((sum, ms) => sum + ms, 0) / measured.length;
    this.overheadMs = request.leaseOverhead * this.meanRoundMs;
  }

  of(worker: PlannableWorker, node: TreeNode): number {
    return this.overheadMs + leaseMs(worker, worker.roundMs ?? this.meanRoundMs, node.count);
  }
}

interface Schedule {
  readonly endMs: number;
  readonly leases: PlannedLease[];
}

interface Queue {
  readonly worker: PlannableWorker;
  readonly nodes: TreeNode[];
  endMs: number;
}

/**
 * Gives each node, the largest first, to the worker that would finish it first. Then each idle worker without a node
 * takes one from the worker that would end last.
 */
function simulate(nodes: readonly TreeNode[], workers: readonly PlannableWorker[], costs: LeaseCosts): Schedule {
  const queues: Queue[] = workers.map((worker) => ({ worker, nodes: [], endMs: worker.busyMs }));
  for (const node of [...nodes].sort((a, b) => b.count - a.count || a.first - b.first)) {
    const endOn = (queue: Queue): number => queue.endMs + costs.of(queue.worker, node);
    const soonest = queues.reduce((a, b) => (endOn(b) < endOn(a) ? b : a));
    soonest.endMs = endOn(soonest);
    soonest.nodes.push(node);
  }
  for (const queue of queues) {
    if (queue.worker.busyMs > 0 || queue.nodes.length > 0) continue;
    const donor = queues
      .filter(({ worker, nodes: held }) => held.length > (worker.busyMs > 0 ? 0 : 1))
      .sort((a, b) => b.endMs - a.endMs)[0];
    const node = donor?.nodes.pop();
    if (donor === undefined || node === undefined) continue;
    donor.endMs -= costs.of(donor.worker, node);
    queue.nodes.push(node);
    queue.endMs += costs.of(queue.worker, node);
  }
  return {
    endMs: Math.max(...queues.map(({ endMs }) => endMs)),
    leases: queues.flatMap(({ worker, nodes: [node] }) =>
      worker.busyMs > 0 || node === undefined ? [] : [{ slot: worker.slot, node }],
    ),
  };
}

/** The partition with its first largest node split in two. Null when all nodes are leaves. */
function splitLargest(nodes: readonly TreeNode[], numMicroBatches: number): TreeNode[] | null {
  const largest = nodes.reduce((a, b) => (b.count > a.count ? b : a));
  if (largest.count === 1) return null;
  return nodes.flatMap((node) => (node === largest ? (childrenOf(node, numMicroBatches) ?? []) : [node]));
}
