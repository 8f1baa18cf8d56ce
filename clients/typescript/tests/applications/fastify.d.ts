import type { Edge, EdgeOptions } from "gatelodge";

export function application(options: EdgeOptions | Edge): Promise<import("fastify").FastifyInstance>;
