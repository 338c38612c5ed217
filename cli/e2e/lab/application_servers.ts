/** Servers as Debian brings them, each with settings of its own in the lab's folder. */
import type { ApplicationHosts } from "./application_hosts.ts";
import { type LabProcess, until } from "./process.ts";

/** What a server needs: its host, and a place for its files. */
export type ServerHost = Pick<ApplicationHosts, "lab" | "server">;

const APACHE_MODULES = "/usr/lib/apache2/modules";

/** Apache on port 80 with a folder to serve. Gives the file of its access log. */
export async function startApache(hosts: ServerHost, root: string): Promise<string> {
  const { lab, server } = hosts;
  const [log, settings] = [lab.path("apache.access"), lab.path("apache.conf")];
  const lines = [
    `ServerRoot ${lab.folder}`,
    "ServerName shimkit.test",
    `LoadModule mpm_event_module ${APACHE_MODULES}/mod_mpm_event.so`,
    `LoadModule authz_core_module ${APACHE_MODULES}/mod_authz_core.so`,
    `PidFile ${lab.path("apache.pid")}`,
    "Mutex posixsem",
    `ErrorLog ${lab.path("apache.error")}`,
    "User www-data",
    "Group www-data",
    "Listen [::]:80",
    `DocumentRoot ${root}`,
    `<Directory ${root}>`,
    "Require all granted",
    "</Directory>",
    // The client as Apache sees it, and what it asked for.
    `CustomLog ${log} "%a %{remote}p %U %>s"`,
    "",
  ];
  await Deno.writeTextFile(settings, lines.join("\n"));
  const apache = server.spawn(["apache2", "-D", "FOREGROUND", "-f", settings]);
  await listens(hosts, apache, 80);
  return log;
}

/** vsftpd on port 21: anybody may read `root`, and write into its folders that anybody may write into. */
export async function startFtp(
  hosts: ServerHost,
  root: string,
  passivePorts: { readonly first: number; readonly last: number },
  more: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  const { lab, server } = hosts;
  const [empty, settings] = [lab.path("vsftpd.empty"), lab.path("vsftpd.conf")];
  await Deno.mkdir(empty);
  const options = {
    listen_ipv6: "YES",
    background: "NO",
    anonymous_enable: "YES",
    local_enable: "NO",
    anon_root: root,
    secure_chroot_dir: empty,
    no_anon_password: "YES",
    write_enable: "YES",
    anon_upload_enable: "YES",
    anon_umask: "022",
    connect_from_port_20: "YES",
    pasv_min_port: passivePorts.first,
    pasv_max_port: passivePorts.last,
    vsftpd_log_file: lab.path("vsftpd.log"),
    ...more,
  };
  const lines = Object.entries(options).map(([name, value]) => `${name}=${value}\n`);
  await Deno.writeTextFile(settings, lines.join(""));
  // Its sessions leave the process group; in a process namespace of its own they end with it. The
  // shell is that one's first process: it takes orphans, at which vsftpd would give up.
  const ending = ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", '"$@" & wait $!', "sh"];
  await listens(hosts, server.spawn([...ending, "vsftpd", settings]), 21);
}

/** Redis on port 6379, in memory only. */
export async function startRedis(hosts: ServerHost): Promise<void> {
  const options = {
    port: 6379,
    bind: "0.0.0.0 ::",
    "protected-mode": "no",
    save: "",
    appendonly: "no",
    "enable-debug-command": "local",
    dir: hosts.lab.folder,
  };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  await listens(hosts, hosts.server.spawn(["redis-server", ...words]), 6379);
}

/** telnetd on port 23 by inetd, with a shell in the place of the login. */
export async function startTelnet(hosts: ServerHost): Promise<void> {
  const settings = hosts.lab.path("inetd.conf");
  const lines = ["tcp4", "tcp6only"].map((protocol) =>
    `23 stream ${protocol} nowait root /usr/sbin/telnetd telnetd -h -E /bin/sh\n`
  );
  await Deno.writeTextFile(settings, lines.join(""));
  const words = ["-d", "-p", hosts.lab.path("inetd.pid"), settings];
  await listens(hosts, hosts.server.spawn(["inetutils-inetd", ...words]), 23);
}

/**
 * Icecast on port 8000. Gives the file of its log.
 * @param password of those who bring a stream.
 */
export async function startIcecast(hosts: ServerHost, password: string): Promise<string> {
  const { lab, server } = hosts;
  const [logs, settings] = [lab.path("icecast"), lab.path("icecast.xml")];
  await Deno.mkdir(logs);
  await Deno.chmod(logs, 0o777);
  const lines = [
    "<icecast>",
    `<paths><basedir>${lab.folder}</basedir><logdir>${logs}</logdir></paths>`,
    "<listen-socket><port>8000</port><bind-address>::</bind-address></listen-socket>",
    `<authentication><source-password>${password}</source-password></authentication>`,
    "<logging><loglevel>3</loglevel></logging>",
    // A listener that is this many bytes behind would be left behind.
    "<limits><queue-size>4000000</queue-size></limits>",
    "<security><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>",
    "</icecast>",
  ];
  await Deno.writeTextFile(settings, lines.join("\n"));
  await listens(hosts, server.spawn(["icecast2", "-c", settings]), 8000);
  return `${logs}/error.log`;
}

async function listens(hosts: ServerHost, process: LabProcess, port: number): Promise<void> {
  await until(`port ${port} is listened on`, async () => {
    if (!process.running) throw new Error(`the server has ended: ${process.lines.join("\n")}`);
    return (await hosts.server.run("ss", "-Htln", `sport = :${port}`)).trim() !== "";
  });
}
