/**
 * Variables of the environment, where they may be read.
 *
 * @module
 */

/**
 * Reads a variable of the environment, without a prompt.
 *
 * @param name Its name.
 * @returns Its value, or `undefined` when it is not set, is empty, or must not
 *   be read.
 */
export function readVariable(name: string): string | undefined {
  const permission = { name: "env", variable: name } as const;
  const { state } = Deno.permissions.querySync(permission);
  return state === "granted" ? Deno.env.get(name) || undefined : undefined;
}
