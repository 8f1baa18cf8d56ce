/** Owns the settings of a client, and says which can't be used. Opens no connection. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { OptionsError } from "./errors.js";
import { consoleLogger, type Logger } from "./log.js";
import type { Transport } from "./transport.js";

/** How to reach an authority. What is left out comes from the environment, the same variables in every language. */
export interface ClientOptions {
  /** URL of the authority, such as `http://127.0.0.1:50051`; its scheme decides TLS. `GATELODGE_ADDRESS`. */
  readonly address?: string | undefined;
  /** This caller's API key. `GATELODGE_API_KEY`. */
  readonly apiKey?: string | undefined;
  /**
   * The tenant that calls are for, by its name or number, where this caller's key is for several. A key for one needs it
   * not, and neither does an edge that serves several hosts: it goes by the request then. `GATELODGE_TENANT`.
   */
  readonly tenant?: string | undefined;
  /** PEM file of the issuers whose certificates are accepted, instead of Node's. `GATELODGE_CA_FILE`. */
  readonly caFile?: string | undefined;
  /** PEM file of this caller's own certificate, for mutual TLS. `GATELODGE_CERT_FILE`. */
  readonly certFile?: string | undefined;
  /** PEM file of the key of that certificate. `GATELODGE_KEY_FILE`. */
  readonly keyFile?: string | undefined;
  /**
   * How many answers of `sessions.check` this process keeps, each for a few seconds; 0 for none. About 2 kB each. What ends
   * or changes is dropped as soon as the authority tells, and nothing kept is used while it can't. Default: 16,384.
   * `GATELODGE_KEEP_ANSWERS`.
   */
  readonly keepAnswers?: number | undefined;
  /**
   * Whether checks that are under way at the same moment, two or more, share one stream. Default: yes. A stream stays with
   * one replica for some minutes: turn it off where a balancer has to spread single checks.
   */
  readonly checkStream?: boolean | undefined;
  /** How long every call may take, in milliseconds, instead of each method's own time. */
  readonly deadlineMs?: number | undefined;
  /** Where to write what an operator has to know. Default: warnings and errors on the console. */
  readonly logger?: Logger | undefined;
  /** Asks in another way than over a network, as the fake authority for tests does. Address and files are not used. */
  readonly transport?: Transport | undefined;
}

/** PEM texts for TLS. */
export interface Tls {
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
}

/** Settings that can be used. */
export interface Settled {
  /** As configured, for messages. */
  readonly address: string;
  /** Host and port. */
  readonly target: string;
  readonly tls: Tls | null;
  /** Whether all that is sent can be read on the way: plaintext to another machine. */
  readonly isInClear: boolean;
  readonly apiKey: string;
  readonly tenant: string | undefined;
  readonly keepAnswers: number;
  readonly checkStream: boolean;
  readonly deadlineMs: number | undefined;
  readonly logger: Logger;
  readonly transport: Transport | undefined;
}

type Setting = "address" | "apiKey" | "tenant" | "caFile" | "certFile" | "keyFile";

const KEEP_ANSWERS = "GATELODGE_KEEP_ANSWERS";
const ANSWERS = 16_384;

const VARIABLES: Readonly<Record<Setting, string>> = {
  address: "GATELODGE_ADDRESS",
  apiKey: "GATELODGE_API_KEY",
  tenant: "GATELODGE_TENANT",
  caFile: "GATELODGE_CA_FILE",
  certFile: "GATELODGE_CERT_FILE",
  keyFile: "GATELODGE_KEY_FILE",
};
const ADDRESS_FORM =
  "expected a URL of scheme, host and port, such as http://127.0.0.1:50051 or https://auth.example.com";

/** Reads the options, and the environment for those that are not given. */
export function settle(options: ClientOptions, environment: NodeJS.ProcessEnv = process.env): Settled {
  const given = (setting: Setting): string | undefined => {
    const variable = environment[VARIABLES[setting]]?.trim();
    return options[setting] ?? (variable === "" ? undefined : variable);
  };
  // Where both are missing the address is named, as in every language.
  const address = options.transport ? undefined : checkedAddress(given("address"));
  const settled = {
    apiKey: checkedKey(given("apiKey")),
    tenant: checkedTenant(given("tenant")),
    keepAnswers: checkedAnswers(options.keepAnswers, environment[KEEP_ANSWERS]),
    checkStream: options.checkStream ?? true,
    deadlineMs: checkedDeadline(options.deadlineMs),
    logger: options.logger ?? consoleLogger,
    transport: options.transport,
  };
  if (address === undefined) {
    return { ...settled, address: "the given transport", target: "", tls: null, isInClear: false };
  }
  const { isTls, isHere, target } = place(address);
  const files = { caFile: given("caFile"), certFile: given("certFile"), keyFile: given("keyFile") };
  const isInClear = !isTls && !isHere;
  return { ...settled, address, target, tls: isTls ? tls(files) : noTls(files), isInClear };
}

function checkedAddress(address: string | undefined): string {
  if (!address) {
    throw new OptionsError(VARIABLES.address, `is not set: where is the authority? ${ADDRESS_FORM}`);
  }
  return address;
}

function checkedKey(key: string | undefined): string {
  if (!key) {
    throw new OptionsError(VARIABLES.apiKey, "is not set: which key does this caller have?");
  }
  if (!/^[!-~]+$/.test(key)) {
    throw new OptionsError(VARIABLES.apiKey, "holds characters that a key never has (a line end, perhaps)");
  }
  return key;
}

function checkedTenant(name: string | undefined): string | undefined {
  if (name !== undefined && !/^[!-~]+$/.test(name)) {
    throw new OptionsError(VARIABLES.tenant, `is ${JSON.stringify(name)}: no tenant's name has such characters`);
  }
  return name;
}

function checkedAnswers(option: number | undefined, variable = ""): number {
  const given = option ?? (/^\s*$/.test(variable) ? ANSWERS : Number(variable));
  if (!Number.isSafeInteger(given) || given < 0) {
    const problem = `is ${JSON.stringify(option ?? variable)}: expected a whole number, 0 for none`;
    throw new OptionsError(option === undefined ? KEEP_ANSWERS : "keepAnswers", problem);
  }
  return given;
}

function checkedDeadline(deadlineMs: number | undefined): number | undefined {
  if (deadlineMs !== undefined && !(deadlineMs > 0 && Number.isFinite(deadlineMs))) {
    throw new OptionsError("deadlineMs", `is ${String(deadlineMs)}: expected a number of milliseconds above 0`);
  }
  return deadlineMs;
}

function place(address: string): { isTls: boolean; isHere: boolean; target: string } {
  const parts = /^(https?):\/\/(\[[0-9a-f:.]+\]|[^\s/?#@:[\]]+)(?::([0-9]{1,5}))?\/?$/i.exec(address);
  const [, scheme = "", host = "", port] = parts ?? [];
  if (!parts || !URL.canParse(address) || Number(port ?? 1) === 0) {
    throw new OptionsError(VARIABLES.address, `is ${JSON.stringify(address)}: ${ADDRESS_FORM}`);
  }
  const isTls = scheme.toLowerCase() === "https";
  const isHere = /^(?:localhost|\[::1\]|127(?:\.[0-9]{1,3}){3})$/i.test(host);
  return { isTls, isHere, target: `${host}:${port ?? (isTls ? "443" : "80")}` };
}

type Files = Readonly<Record<"caFile" | "certFile" | "keyFile", string | undefined>>;

function noTls(files: Files): null {
  for (const setting of ["caFile", "certFile", "keyFile"] as const) {
    if (files[setting]) {
      const problem = `is set, but ${VARIABLES.address} begins with http://, which is plaintext: use https://, or leave it out`;
      throw new OptionsError(VARIABLES[setting], problem);
    }
  }
  return null;
}

function tls({ caFile, certFile, keyFile }: Files): Tls {
  const ca = caFile ? pem("caFile", caFile) : null;
  if (ca) {
    usable("caFile", "names a file that holds no certificate: expected PEM", () => new X509Certificate(ca));
  }
  if (certFile && !keyFile) {
    throw new OptionsError(VARIABLES.keyFile, `is not set, but ${VARIABLES.certFile} is: they go together`);
  }
  if (keyFile && !certFile) {
    throw new OptionsError(VARIABLES.certFile, `is not set, but ${VARIABLES.keyFile} is: they go together`);
  }
  if (!certFile || !keyFile) {
    return { ca, cert: null, key: null };
  }
  const cert = pem("certFile", certFile);
  const key = pem("keyFile", keyFile);
  usable("certFile", "names a file that holds no certificate: expected PEM", () => new X509Certificate(cert));
  usable("keyFile", `names a file that does not hold the key of ${VARIABLES.certFile}: expected PEM`, () =>
    createSecureContext({ cert, key }),
  );
  return { ca, cert, key };
}

function pem(setting: Setting, path: string): Buffer {
  return usable(setting, "names a file that can't be read", () => readFileSync(path));
}

function usable<T>(setting: Setting, problem: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    throw new OptionsError(VARIABLES[setting], problem + why, { cause });
  }
}
