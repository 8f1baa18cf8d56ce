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
