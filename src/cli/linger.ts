/**
 * Whether a user's programs outlive the log-out.
 *
 * @module
 */

import type { World } from "./command.ts";

/**
 * Asks systemd's files whether this user's services go on after log-out.
 *
 * @param world Where it runs.
 * @returns The user, if known, and the answer.
 */
export function lingers(
  { system, variable }: World,
): { readonly user: string | undefined; readonly isLingering: boolean } {
  const user = variable("USER") ?? variable("LOGNAME");
  const isLingering = user !== undefined &&
    system.exists(`/var/lib/systemd/linger/${user}`);
  return { user, isLingering };
}
