import { gatelodge } from "gatelodge/next";

export const auth = gatelodge({ mountPrefix: process.env.MOUNT_PREFIX });
export const who = (_, session) => Response.json({ user_id: session?.userId ?? null });
