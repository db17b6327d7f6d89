// Terminals on two Golem providers: each runs an OpenSSH server in one private network, reached through the gate.
// Prints one line for each instance, `ssh -p PORT root@127.0.0.1 password PASSWORD`, and runs until Ctrl-C.
import { randomBytes } from "node:crypto";
import { interrupted, option, withMachines } from "./machines.mjs";

const end = interrupted();
const first = Number(option("port", 2222));

await withMachines(Number(option("instances", 2)), option("image", "ssh:latest"), async (machines) => {
  const proxies = [];
  for (const [index, machine] of machines.entries()) {
    const password = randomBytes(8).toString("hex");
    await machine.run("ssh-keygen -A");
    await machine.run(`printf "%s\\n%s\\n" ${password} ${password} | passwd`);
    await machine.run("/usr/sbin/sshd");
    const proxy = machine.createTcpProxy(22);
    await proxy.listen(first + index);
    proxies.push(proxy);
    console.log(`ssh -p ${first + index} root@127.0.0.1 password ${password}`);
  }
  await end;
  await Promise.all(proxies.map((proxy) => proxy.close()));
});
console.log("ended");
