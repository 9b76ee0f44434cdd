// `addCertsCommand` adds `lockstep certs`, which makes and shows the certificates of a cluster.
import { relative, resolve } from "node:path";
import { type CertificateInfo, describeCertificates, initCertificates, type MadeCertificate } from "@lockstep/service";
import type { Command } from "commander";
import { addPathArgument } from "../path-values.js";
import { addSettings, parseSettings } from "../settings/command-settings.js";
import { certificateSettings } from "../settings/declared/network.js";

const examples = `
Examples:
  $ lockstep certs init certs --hosts gpu-1,10.0.0.5
  $ lockstep certs show certs
`;

const initExamples = `
Examples:
  $ lockstep certs init certs --hosts gpu-1,10.0.0.5
  $ lockstep certs init certs --renew

Give each process the folder of its role with --tls. Keep ca/ca.key on a machine
where no process of a run can read it. A second certs init keeps the valid
certificates and makes only the others.
`;

const showExamples = `
Examples:
  $ lockstep certs show certs
  $ lockstep certs show certs/worker
`;

export function addCertsCommand(program: Command): void {
  const certs = program
    .command("certs")
    .description("make and show certificates for mutual TLS")
    .addHelpText("after", examples);
  const init = certs.command("init").description("make a private CA and a certificate for each role");
  addPathArgument(init, "<folder>", "where the CA and a folder for each role are made", {
    access: "write",
    kind: "folder",
  });
  addSettings(init, certificateSettings).addHelpText("after", initExamples);
  init.action(async (folder: string, raw: Record<string, unknown>) => {
    const { certificates, warning } = await initCertificates({
      folder: resolve(folder),
      ...parseSettings(raw, certificateSettings),
      nowMs: Date.now(),
    });
    process.stdout.write(certificates.map((certificate) => renderMade(folder, certificate)).join(""));
    if (warning !== null) process.stderr.write(`warning: ${warning}\n`);
  });
  const show = certs.command("show").description("show the subject, role, hosts and expiry of certificates");
  addPathArgument(show, "<folder>", "the folder of `certs init`, or of one role", {
    access: "read",
    kind: "folder",
    mayBeAbsent: true,
  })
    .addHelpText("after", showExamples)
    .action(async (folder: string) => {
      process.stdout.write(
        (await describeCertificates(resolve(folder), Date.now())).map((info) => renderInfo(folder, info)).join(""),
      );
    });
}

function renderMade(folder: string, { role, reason }: MadeCertificate): string {
  return `${folder}/${role}: ${reason === null ? "kept" : `made (${reason})`}\n`;
}

function renderInfo(folder: string, info: CertificateInfo): string {
  const { path, subject, role, hosts, notAfterMs, isNearExpiry } = info;
  const facts = [
    subject,
    ...(role === null ? [] : [`role ${role}`]),
    ...(hosts.length === 0 ? [] : [`hosts ${hosts.join(" ")}`]),
    `valid until ${new Date(notAfterMs).toISOString().slice(0, 10)}`,
  ];
  const remedy = role === null ? "make a new CA, and trust both for a time" : "lockstep certs init --renew";
  const warning = isNearExpiry ? `  expired, or expires soon: ${remedy}\n` : "";
  return `${relative(resolve(folder), path)}: ${facts.join(", ")}\n${warning}`;
}
