/**
 * What `earshot doctor` finds.
 *
 * @module
 */

/** How bad a finding is, the worst first. */
const SEVERITIES = ["fail", "warn", "info", "ok"] as const;

/** How bad a finding is; `info` is neither good nor bad. */
export type Severity = typeof SEVERITIES[number];

/** One thing that was found. */
export interface Finding {
  /** What was looked at, such as `"mixer"`. */
  readonly check: string;
  /** How bad it is. */
  readonly severity: Severity;
  /** What was found, in a line. */
  readonly text: string;
  /** What to do. */
  readonly advice?: string;
}

/**
 * Finds the worst.
 *
 * @param findings Some findings.
 * @returns The worst severity of them; `ok` when there are none.
 */
export function worstOf(findings: readonly Finding[]): Severity {
  return SEVERITIES.find((severity) =>
    findings.some((finding) => finding.severity === severity)
  ) ?? "ok";
}
