// Owns what the routes under /needs ask of whoever is signed in, one need each.
export const NEEDS = {
  scopes: { scopes: ["read", "write"] },
  anyScopes: { anyScopes: ["write", "admin"] },
  permissions: { permissions: ["orders:pay"] },
  anyPermissions: { anyPermissions: ["orders:pay", "orders:see"] },
  roles: { roles: ["clerk"] },
  emailVerified: { emailVerified: true },
  acrValues: { acrValues: ["2", "1"] },
  amrValues: { amrValues: ["pwd", "otp"] },
};

// And what the suite's own routes ask for.
export const ROUTES = {
  "/role": { roles: ["clerk"] },
  "/permitted": { permissions: ["orders.pay"] },
  "/verified": { emailVerified: true },
  "/strong": { acrValues: ["2"] },
  "/two-factor": { amrValues: ["otp"] },
};
export const API_ROUTES = {
  "/api/orders": { audience: "orders" },
  "/api/strong": { acrValues: ["2"] },
};
