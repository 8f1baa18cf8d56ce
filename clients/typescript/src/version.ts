/** The version of this package, for the user agent of its calls. */
export const VERSION = "0.1.0";
