/** Owns how this package tells an operator of trouble. Does not know any logging library. */
import { GatelodgeError, refusedSetting } from "./errors.js";

/** Where to write what an operator has to know: `console`, or a logger of the application's that is called in this way. */
export interface Logger {
  debug(message: string, facts?: object): void;
  info(message: string, facts?: object): void;
  warn(message: string, facts?: object): void;
  error(message: string, facts?: object): void;
}

/** The default: warnings and errors on the console. */
export const consoleLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, facts) => {
    console.warn(`gatelodge: ${message}`, ...(facts ? [facts] : []));
  },
  error: (message, facts) => {
    console.error(`gatelodge: ${message}`, ...(facts ? [facts] : []));
  },
};

/** Writes what an operator has to know of a failed call. */
export function logFailure(logger: Logger, failure: unknown, facts: object): void {
  const told = { ...facts, error: failure instanceof Error ? failure.message : String(failure) };
  if (!(failure instanceof GatelodgeError)) {
    logger.error("a fault of this package, or of what it was given", { ...told, cause: failure });
    return;
  }
  const setting = refusedSetting(failure);
  if (setting !== undefined) {
    const what = setting === "GATELODGE_TENANT" ? "tenant" : "API key";
    logger.error(`the authority refused this application's ${what}: check ${setting}`, told);
  } else if (failure.code === "CANCELLED") {
    logger.debug("a request was given up", told);
  } else {
    logger.warn("the authority could not say", told);
  }
}
