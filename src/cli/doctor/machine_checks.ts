/**
 * Is the machine fit for it: power, heat, Wi-Fi, memory pages, and what happens
 * at log-out.
 *
 * @module
 */

import type { World } from "../command.ts";
import { lingers } from "../linger.ts";
import type { Finding } from "./finding.ts";

/**
 * Bits of the firmware's `get_throttled`, as `vcgencmd` documents them; the same
 * 16 bits higher say that it happened since the start.
 */
const THROTTLED = [
  [0x1, "the voltage is too low", "Use a better power supply and cable"],
  [
    0x2,
    "the processor is slowed down",
    "Use a better power supply, and cool it",
  ],
  [0x4, "the processor is throttled", "Use a better power supply, and cool it"],
  [0x8, "it is close to too hot", "Cool it"],
] as const;

/** Where the Raspberry Pi's firmware tells it. */
const THROTTLED_PATH = "/sys/devices/platform/soc/soc:firmware/get_throttled";

/** Looks at what only a Raspberry Pi has. */
export function checkPi({ system }: World): Finding[] {
  const check = "raspberry pi";
  const model = system.readFile("/proc/device-tree/model")
    ?.replaceAll("\0", "");
  if (!model?.startsWith("Raspberry Pi")) return [];
  const text = system.readFile(THROTTLED_PATH)?.trim();
  if (text === undefined) {
    return [{
      check,
      severity: "info",
      text: `${model}; its firmware does not tell about power and heat`,
    }];
  }
  const bits = parseInt(text, 16);
  const findings = THROTTLED.flatMap(([bit, what, advice]): Finding[] => {
    if (bits & bit) {
      return [{ check, severity: "warn", text: `Now ${what}`, advice }];
    }
    if (bits & bit << 16) {
      return [{
        check,
        severity: "warn",
        text: `Since the start, at some time ${what}`,
        advice,
      }];
    }
    return [];
  });
  const isFine = findings.length === 0;
  return [
    {
      check,
      severity: isFine ? "ok" : "info",
      text: isFine ? `${model}; power and heat are fine` : model,
    },
    ...findings,
  ];
}

/** Looks at the power save mode of Wi-Fi, which delays what is sent. */
export async function checkWifi({ system }: World): Promise<Finding[]> {
  const check = "wi-fi";
  const wireless = system.readFile("/proc/net/wireless") ?? "";
  const names = [...wireless.matchAll(/^\s*(\w+):/gm)].map(([, name]) => name!);
  const findings = names.map(async (name): Promise<Finding> => {
    const result = await system.run("iw", ["dev", name, "get", "power_save"]);
    const mode = /Power save: (\w+)/.exec(result?.stdout ?? "")?.[1];
    if (mode === undefined) {
      return {
        check,
        severity: "info",
        text: `"iw" does not tell whether ${name} saves power`,
      };
    }
    if (mode === "off") {
      return { check, severity: "ok", text: `${name} does not save power` };
    }
    return {
      check,
      severity: "warn",
      text: `${name} saves power, which delays answers by up to half a second`,
      advice:
        `sudo iw dev ${name} set power_save off (until the next start; for good, wifi.powersave = 2 in NetworkManager's settings)`,
    };
  });
  return await Promise.all(findings);
}

/** Looks at the size of memory pages: 16 KiB on a Raspberry Pi 5. */
export function checkPages({ system }: World): Finding[] {
  const smaps = system.readFile("/proc/self/smaps") ?? "";
  const size = Number(/^KernelPageSize:\s+(\d+) kB$/m.exec(smaps)?.[1] ?? 4);
  if (size === 4) return [];
  return [{
    check: "memory pages",
    severity: "info",
    text:
      `Memory pages are ${size} KiB: programs need more memory than with 4 KiB`,
    advice: size === 16
      ? "If that is short, kernel=kernel8.img in /boot/firmware/config.txt has pages of 4 KiB"
      : undefined,
  }];
}

/** Looks at what happens when the user logs out. */
export function checkLinger(world: World): Finding[] {
  const check = "log-out";
  const { user, isLingering } = lingers(world);
  if (user === undefined || user === "root") return [];
  if (isLingering) {
    return [{
      check,
      severity: "ok",
      text: `Services of ${user} go on after log-out`,
    }];
  }
  return [{
    check,
    severity: "info",
    text:
      `Programs and services of ${user} end at log-out, also from SSH, and do not start at boot`,
    advice: `sudo loginctl enable-linger ${user}`,
  }];
}
