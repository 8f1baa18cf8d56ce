import { gatelodge } from "gatelodge/next";

const client = { checkStream: Number(process.env.GATELODGE_KEEP_ANSWERS) > 0 };
export const auth = gatelodge({ mountPrefix: process.env.MOUNT_PREFIX, client });
export const who = (_, session) => Response.json({ user_id: session?.userId ?? null });
export const whose = (_, token) => Response.json({ user_id: token.userId ?? null });
