import type { Edge, EdgeOptions } from "gatelodge";

export function application(options: EdgeOptions | Edge): import("express").Express;
