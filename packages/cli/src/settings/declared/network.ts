// Declares how the processes of a run meet over the network (networkSettings), and the certificates for it.
import { defaultHosts } from "@lockstep/service";
import { fileToRead, folderToRead } from "../../path-values.js";
import { setting } from "../setting.js";
import { hostName, listOf, onOff, positiveNumber, text, wholeNumber } from "../values.js";

/** Of every process that listens or connects. */
export const securitySettings = {
  tls: setting("folder", "ca.crt, tls.crt, tls.key: mutual TLS", folderToRead.optional(), { defaultText: "none" }),
  joinTokenFile: setting("file", "the cluster's secret", fileToRead.optional(), { defaultText: "join-token in --tls" }),
  insecure: setting("", "plain text beyond this machine, with a warning", onOff.default(false)),
};

export const networkSettings = {
  listen: setting("address", "host:port or unix:/path.sock", text.default("127.0.0.1:0")),
  ...securitySettings,
  healthListen: setting("address", "host:port of plain gRPC health checks", text.optional(), { defaultText: "none" }),
  expectedWorkers: setting("count", "the first step waits some seconds for so many", wholeNumber(1, 256).default(1)),
  prepared: setting("", "the launcher has prepared --out and holds its lock", onOff.default(false), { internal: true }),
  coordinator: setting("address", "where the coordinator listens", text.optional()),
  reason: setting("text", "told to everybody", text.default("asked to stop by an operator")),
  connectTimeout: setting(
    "seconds",
    "give up when no coordinator has answered for so long",
    positiveNumber(86_400).optional(),
    { defaultText: "none" },
  ),
  linger: setting(
    "seconds",
    "after the run's end, answer late workers for so long, until the expected ones are told",
    positiveNumber(86_400).optional(),
    { defaultText: "none" },
  ),
  slot: setting("index", "the place to ask for", wholeNumber(0).optional(), { defaultText: "any" }),
};

export const certificateSettings = {
  hosts: setting("list", "names and IP addresses of the coordinator", listOf(hostName).default([...defaultHosts])),
  days: setting("count", "how long new certificates are valid", wholeNumber(1, 3650).default(365)),
  renew: setting("", "make every certificate anew, by the same CA", onOff.default(false)),
};
