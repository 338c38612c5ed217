/** OpenSSH as the real application: a server with keys of its own, and the client's words for it. */
import type { Lab } from "./lab.ts";
import type { Namespace } from "./namespaces.ts";
import { type LabProcess, quote, run } from "./process.ts";

const SERVER_OPTIONS = [
  "UsePAM no",
  "StrictModes no",
  "PermitRootLogin prohibit-password",
  "PasswordAuthentication no",
  "PrintMotd no",
  "PrintLastLog no",
  "Subsystem sftp internal-sftp",
];

/** Keys and settings in the lab's folder; nothing of the machine's own SSH is read or written. */
export class SshLab {
  readonly #lab: Lab;
  readonly #hostKey: string;
  readonly #userKey: string;

  private constructor(lab: Lab) {
    this.#lab = lab;
    this.#hostKey = lab.path("ssh_host_key");
    this.#userKey = lab.path("ssh_user_key");
  }

  static async create(lab: Lab): Promise<SshLab> {
    const ssh = new SshLab(lab);
    for (const key of [ssh.#hostKey, ssh.#userKey]) {
      await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
    }
    await Deno.writeTextFile(lab.path("sshd_config"), ssh.#serverConfiguration());
    return ssh;
  }

  #serverConfiguration(): string {
    return [
      `HostKey ${this.#hostKey}`,
      `AuthorizedKeysFile ${this.#userKey}.pub`,
      `PidFile ${this.#lab.path("sshd.pid")}`,
      ...SERVER_OPTIONS,
      "",
    ].join("\n");
  }

  /** Starts sshd on port 22 of `host`. */
  async startServer(host: Namespace): Promise<LabProcess> {
    // sshd wants /run/sshd: a /run of its own, seen by nobody else, spares the machine's.
    const script = "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec /usr/sbin/sshd " +
      `-D -e -f ${quote(this.#lab.path("sshd_config"))}`;
    const server = host.spawn(["unshare", "--mount", "sh", "-c", script]);
    await server.line(/listening on .* port 22/i);
    return server;
  }

  /** Options of `ssh` and `scp` for the server behind 127.0.0.1 port `port`. */
  async clientOptions(port: number): Promise<readonly string[]> {
    const knownHosts = this.#lab.path("known_hosts");
    const key = await Deno.readTextFile(`${this.#hostKey}.pub`);
    await Deno.writeTextFile(knownHosts, `[127.0.0.1]:${port} ${key}`);
    const options = {
      Port: port,
      User: "root",
      IdentityFile: this.#userKey,
      IdentitiesOnly: "yes",
      BatchMode: "yes",
      UserKnownHostsFile: knownHosts,
      StrictHostKeyChecking: "yes",
    };
    const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    return ["-F", "none", ...words];
  }
}

/** `argv` as a command for which /etc/hosts has these lines alone. */
export async function withHosts(
  lab: Lab,
  lines: readonly string[],
  argv: readonly string[],
): Promise<readonly string[]> {
  const hosts = lab.path("hosts");
  await Deno.writeTextFile(hosts, ["127.0.0.1 localhost", ...lines, ""].join("\n"));
  const script = `mount --bind ${quote(hosts)} /etc/hosts && exec "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, "sh", ...argv];
}
