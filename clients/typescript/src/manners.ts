/** Owns how each method of the contract is called. A new method needs a row here, and nothing else. */

/** How a method is called. */
export interface Manner {
  readonly deadlineMs: number;
  /** How often it may be repeated within the deadline. */
  readonly repeats: number;
}

/** For methods whose comment says "Safe to retry", and which no provider delays. */
const SAFE: Manner = { deadlineMs: 2000, repeats: Infinity };
/** For safe methods that may have to wait for a provider. */
const SAFE_SLOW: Manner = { deadlineMs: 10_000, repeats: Infinity };
/** For safe methods that end sessions: they answer when nobody is let in any more, and then tell everybody. */
const ENDING: Manner = { deadlineMs: 8000, repeats: Infinity };
/** The same where a person or a provider waits, who can ask again. */
const LOGOUT: Manner = { ...ENDING, repeats: 1 };
/** For a probe, whose answer is about now, and for methods that have no row. */
export const PROBE: Manner = { deadlineMs: 2000, repeats: 0 };

/** By the method's full name. */
export const MANNERS: Readonly<Record<string, Manner>> = {
  "gatelodge.v1.LoginService/GetEdgeSettings": SAFE,
  "gatelodge.v1.LoginService/ListProviders": SAFE,
  // It may have to fetch the provider's metadata, and a repeat would begin another login.
  "gatelodge.v1.LoginService/StartLogin": { deadlineMs: 10_000, repeats: 0 },
  // The provider is asked for tokens, and the browser repeats it by itself.
  "gatelodge.v1.LoginService/CompleteCallback": { deadlineMs: 20_000, repeats: 0 },
  "gatelodge.v1.LoginService/StartLogout": LOGOUT,
  "gatelodge.v1.LoginService/CompleteLogout": SAFE,
  "gatelodge.v1.LoginService/HandleBackchannelLogout": LOGOUT,
  "gatelodge.v1.LoginService/HandleFrontchannelLogout": LOGOUT,
  "gatelodge.v1.SessionService/ValidateSession": SAFE,
  "gatelodge.v1.SessionService/RefreshTokens": SAFE_SLOW,
  "gatelodge.v1.SessionService/GetAccessToken": SAFE_SLOW,
  "gatelodge.v1.SessionService/GetUserInfo": SAFE_SLOW,
  "gatelodge.v1.SessionService/ListUserSessions": SAFE,
  "gatelodge.v1.SessionService/GetAttributes": SAFE,
  // If the first has been done, a repeat is a conflict with oneself.
  "gatelodge.v1.SessionService/UpdateAttributes": { deadlineMs: 2000, repeats: 0 },
  "gatelodge.v1.SessionService/Revoke": ENDING,
  // It may have to ask the provider that issued the token.
  "gatelodge.v1.TokenService/ValidateToken": SAFE_SLOW,
  "gatelodge.v1.TokenService/MintToken": SAFE,
  "gatelodge.v1.TokenService/GetJwks": SAFE,
  "gatelodge.v1.AdminService/ListSessions": SAFE,
  "gatelodge.v1.AdminService/GetSession": SAFE,
  "gatelodge.v1.AdminService/Revoke": ENDING,
  "gatelodge.v1.AdminService/PreviewRevoke": SAFE,
  "gatelodge.v1.AdminService/GetUser": SAFE,
  "gatelodge.v1.AdminService/ListUsers": SAFE,
  "gatelodge.v1.AdminService/DisableUser": ENDING,
  "gatelodge.v1.AdminService/EnableUser": SAFE,
  "gatelodge.v1.AdminService/DeleteUser": ENDING,
  // If the first has been done, a repeat finds the name taken.
  "gatelodge.v1.AdminService/CreateCallerKey": { deadlineMs: 2000, repeats: 0 },
  "gatelodge.v1.AdminService/ListCallerKeys": SAFE,
  "gatelodge.v1.AdminService/RevokeCallerKey": ENDING,
  "gatelodge.v1.AdminService/ListAudit": SAFE,
  "gatelodge.v1.AdminService/ExplainLogin": SAFE,
};
