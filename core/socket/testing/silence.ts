/** A UDP port of loopback that takes everything and never answers: no ICMP error comes from there. */
export function listenInSilence(): { readonly port: number } & Disposable {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  return { port, [Symbol.dispose]: () => socket.close() };
}
