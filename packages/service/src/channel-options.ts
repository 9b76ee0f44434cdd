// Sets the options of every gRPC channel with `serverOptions` and `clientOptions`: message sizes, keep-alive, reconnects.
import type { ChannelOptions, ServerOptions } from "@grpc/grpc-js";
import { receiveWindowBytes } from "./server-connections.js";

/** Four times the largest chunk: room for headers, and an early end for a peer of another protocol. */
const maxMessageBytes = 4 * 1024 * 1024;

// A host that is down is detected after 4 + 8 s; a process that was busy for less than 8 s is not dropped. (A killed process is
// detected at once: the system closes its connections.)
const keepAlive = {
  "grpc.keepalive_time_ms": 4_000,
  "grpc.keepalive_timeout_ms": 8_000,
} as const;

const messageSizes = {
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
} as const;

export const serverOptions: ServerOptions = {
  ...keepAlive,
  ...messageSizes,
  // A worker has three calls under way; a process may hold several workers.
  "grpc.max_concurrent_streams": 128,
};

/** For a port that everybody may use: what a peer can make this process hold is bounded. */
export const healthServerOptions: ServerOptions = {
  ...keepAlive,
  "grpc.max_receive_message_length": 1024,
  "grpc.max_concurrent_streams": 16,
  // A probe opens a connection, makes one call and closes it.
  "grpc.max_connection_idle_ms": 10_000,
  "grpc.max_connection_age_ms": 60_000,
  "grpc.max_connection_age_grace_ms": 1_000,
};

/** At the same time, on the health port. */
export const maxHealthConnections = 128;

export const clientOptions: ChannelOptions = {
  ...keepAlive,
  ...messageSizes,
  "grpc.keepalive_permit_without_calls": 1,
  // Weights come as ten and more chunks of 1 MiB: with the default window of 64 KiB the sender would pause between them.
  "grpc-node.flow_control_window": receiveWindowBytes,
  // A restarted coordinator is found again within a second.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // A new client makes a new attempt to connect, and reports its own error. Clients that share connections would report none while
  // the attempt of a former client waits for its next turn.
  "grpc.use_local_subchannel_pool": 1,
  // The caller knows whether a call may be repeated (retry.ts). For retries of its own gRPC would buffer every upload.
  "grpc.enable_retries": 0,
  // Peers are named by their own address: a proxy for the web must not be used between them.
  "grpc.enable_http_proxy": 0,
};
