// Web servers on two Golem providers in one private network, each behind a local port.
// Prints `ready: URL` for each of them when all serve, and runs until Ctrl-C.
import { interrupted, option, withMachines } from "./machines.mjs";

const end = interrupted();
const first = Number(option("port", 8080));

await withMachines(Number(option("instances", 2)), option("image", "web:latest"), async (machines) => {
  for (const machine of machines) {
    const page = `Hello from ${machine.getIp()} on ${machine.provider.name}`;
    await machine.run(`echo '${page}' > /usr/share/nginx/html/index.html`);
    await machine.run("/usr/sbin/nginx");
  }
  const proxies = [];
  for (const [index, machine] of machines.entries()) {
    const proxy = machine.createTcpProxy(80);
    await proxy.listen(first + index);
    proxies.push(proxy);
    console.log(`ready: http://127.0.0.1:${first + index}/`);
  }
  await end;
  await Promise.all(proxies.map((proxy) => proxy.close()));
});
console.log("ended");
