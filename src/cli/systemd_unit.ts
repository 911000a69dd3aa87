/**
 * The unit that makes `earshot stream` a service of systemd.
 *
 * @module
 */

import { CREDENTIAL_NAME } from "./api_key.ts";

/** Whose service it is. */
export type ServiceScope = "user" | "system";

/** Where a service keeps what it needs. */
export interface ServicePaths {
  /** The program. */
  readonly program: string;
  /** The unit. */
  readonly unit: string;
  /** The settings. */
  readonly config: string;
  /** The API key. */
  readonly key: string;
}

/**
 * What works in both managers: seccomp filters need nothing but
 * `NoNewPrivileges`. `MemoryDenyWriteExecute` is not among it, as V8 compiles
 * JavaScript to machine code in memory.
 */
const SECCOMP = `NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077`;

/** The file system is not to be written to, except where it is said below. */
const READ_ONLY = `ProtectSystem=strict
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes`;

/** How to go before others: for --profile low-latency on a busy machine. */
const PRIORITY = {
  user: `# To go before other programs, say "sudo systemctl edit user@", add
# [Service] and LimitNICE=-10 there, log in again, and use the profile low-latency.`,
  system:
    `# To go before other programs, add Nice=-10 with "systemctl edit earshot". If that
# is not enough: CPUSchedulingPolicy=rr, CPUSchedulingPriority=10, RestrictRealtime=no.`,
} as const;

const SCOPES = {
  user: {
    // The sound server and its socket are in the user's session.
    after: "pipewire.service pipewire-pulse.service pulseaudio.service",
    wantedBy: "default.target",
    // Namespaces of file systems need one of users, where root is nobody.
    rights: `PrivateUsers=yes
${READ_ONLY}
ProtectHome=read-only`,
  },
  system: {
    after: "network-online.target sound.target",
    wantedBy: "multi-user.target",
    rights: `DynamicUser=yes
SupplementaryGroups=audio
StateDirectory=earshot
WorkingDirectory=%S/earshot
Environment=HOME=%S/earshot
${READ_ONLY}
ProtectHome=yes
ProtectClock=yes
ProtectHostname=yes
PrivateMounts=yes
RemoveIPC=yes
CapabilityBoundingSet=
AmbientCapabilities=
# The microphone, and no other device.
DevicePolicy=closed
DeviceAllow=char-alsa rw`,
  },
} as const;

/**
 * Makes the unit.
 *
 * @param scope Whose service it is.
 * @param paths Where things are.
 * @returns The text of the unit's file.
 */
export function unitOf(scope: ServiceScope, paths: ServicePaths): string {
  const { after, wantedBy, rights } = SCOPES[scope];
  return `# Written by "earshot service install". To change something, say
# systemctl ${scope === "user" ? "--user " : ""}edit earshot
[Unit]
Description=Earshot, the microphone to the OpenAI Realtime API
After=${after}${scope === "system" ? "\nWants=network-online.target" : ""}
# A network or a microphone may be away for days: never give up.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=${word(paths.program)} stream --config ${word(paths.config)}
Restart=always
RestartSec=10
# A wrong setting does not heal by itself.
RestartPreventExitStatus=2
# It says that it is alive while audio flows.
WatchdogSec=30
TimeoutStopSec=5
KillMode=mixed
${PRIORITY[scope]}
# One heap for all threads takes less memory, and is fast enough.
Environment=MALLOC_ARENA_MAX=1
# Only this service can read the key; without the file it is empty.
LoadCredential=${CREDENTIAL_NAME}:${specifierFree(paths.key)}
SetCredential=${CREDENTIAL_NAME}:\\n

# Least privileges. Hooks that use other devices need more, such as DeviceAllow=.
${SECCOMP}
${rights}

[Install]
WantedBy=${wantedBy}
`;
}

/** A word of a command line in a unit, whatever is in it. */
function word(text: string): string {
  const escaped = specifierFree(text).replaceAll("$", "$$$$")
    .replaceAll(/["\\]/g, "\\$&");
  return /^[\w/.%$+-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

/** systemd replaces `%h` and the like. */
function specifierFree(text: string): string {
  return text.replaceAll("%", "%%");
}
