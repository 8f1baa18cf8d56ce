/** Owns how long something takes: by the wall's clock, and in processor time of this process. */

/** Microseconds for each of so many. */
export interface Spent {
  readonly wall: number;
  readonly cpu: number;
}

/** Does it once, and shares what it took among so many. */
export async function spent(many: number, what: () => Promise<unknown>): Promise<Spent> {
  const [begun, used] = [performance.now(), process.cpuUsage()];
  await what();
  const { user, system } = process.cpuUsage(used);
  return { wall: ((performance.now() - begun) * 1000) / many, cpu: (user + system) / many };
}

/** The best of several: what else the machine does is not ours. */
export function least(one: Spent, other: Spent): Spent {
  return { wall: Math.min(one.wall, other.wall), cpu: Math.min(one.cpu, other.cpu) };
}
