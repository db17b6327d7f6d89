// Two web servers that fetch each other's page by virtual address; one of them after its neighbour has streamed output.
import { withMachines } from "./machines.mjs";

await withMachines(2, "web:latest", async (machines) => {
  for (const machine of machines) {
    await machine.run(`echo page of ${machine.getIp()} > /usr/share/nginx/html/index.html`);
    await machine.run("/usr/sbin/nginx");
  }
  const [first, second] = machines;
  for (const [machine, other] of [
    [first, second],
    [second, first],
  ]) {
    const command = `curl --silent --fail --retry 5 --retry-all-errors http://${other.getIp()}/`;
    const result = await machine.run(command);
    console.log(`${machine.getIp()} on ${machine.provider.name} fetched ${result.stdout.trim()}`);
    const process = await machine.runAndStream(command);
    process.stdout.subscribe((text) => console.log(`${machine.getIp()} streamed ${String(text).trim()}`));
    await process.waitForExit(30_000);
  }
});
