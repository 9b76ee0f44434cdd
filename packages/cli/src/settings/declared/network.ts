// `networkSettings` declares how the processes of a run connect over the network, `certificateSettings` how `lockstep certs`
// makes their certificates.
import { defaultHosts } from "@lockstep/service";
import { fileToRead, folderToRead } from "../../path-values.js";
import { setting } from "../setting.js";
import { hostName, listOf, onOff, positiveNumber, text, wholeNumber } from "../values.js";

/** Every process that listens or connects takes these. */
export const securitySettings = {
  tls: setting("folder", "use mutual TLS, with ca.crt, tls.crt and tls.key in this folder", folderToRead.optional(), {
    defaultText: "none",
  }),
  joinTokenFile: setting("file", "file that holds the cluster's join token", fileToRead.optional(), {
    defaultText: "join-token in --tls",
  }),
  insecure: setting("", "allow connections to other machines without TLS, with a warning", onOff.default(false)),
};

export const networkSettings = {
  listen: setting("address", "where to listen: host:port or unix:/path.sock", text.default("127.0.0.1:0")),
  ...securitySettings,
  healthListen: setting("address", "host:port for gRPC health checks without TLS", text.optional(), {
    defaultText: "none",
  }),
  expectedWorkers: setting(
    "count",
    "before the first step, wait some seconds for this many workers",
    wholeNumber(1, 256).default(1),
  ),
  prepared: setting("", "the launcher has prepared --out and holds its lock", onOff.default(false), { internal: true }),
  coordinator: setting("address", "the coordinator's address: host:port or unix:/path.sock", text.optional()),
  reason: setting(
    "text",
    "why the run is stopped, for the workers and the logs",
    text.default("asked to stop by an operator"),
  ),
  connectTimeout: setting(
    "seconds",
    "give up when no coordinator has answered for this long",
    positiveNumber(86_400).optional(),
    { defaultText: "none" },
  ),
  linger: setting(
    "seconds",
    "after the run's end, answer late workers for this long, or until all expected workers are informed",
    positiveNumber(86_400).optional(),
    { defaultText: "none" },
  ),
  slot: setting("index", "the slot that the worker asks the coordinator for", wholeNumber(0).optional(), {
    defaultText: "any",
  }),
};

export const certificateSettings = {
  hosts: setting("list", "names and IP addresses of the coordinator", listOf(hostName).default([...defaultHosts])),
  days: setting("count", "days that new certificates are valid", wholeNumber(1, 3650).default(365)),
  renew: setting("", "replace every certificate; the CA stays the same", onOff.default(false)),
};
