import type { Needs } from "gatelodge";

export const NEEDS: Readonly<Record<keyof Needs, Needs>>;
