// Machines that work on and on, and begin anew elsewhere when their provider fails.
import { setTimeout as sleep } from "node:timers/promises";
import { GolemNetwork } from "@golem-sdk/golem-js";
import { interrupted, order } from "./machines.mjs";

let ending = false;
interrupted().then(() => (ending = true));

// golem-js takes a provider into a network once, so no provider is hired twice; one that failed is not anyway.
const hired = new Set();
const isFree = (proposal) => !hired.has(proposal.provider.id);

const golem = new GolemNetwork();
await golem.connect();
const network = await golem.createNetwork({ ip: "192.168.0.0/24" });
const { market, ...rest } = order("web:latest", network);
const pool = await golem.manyOf({ poolSize: 2, order: { ...rest, market: { ...market, offerProposalFilter: isFree } } });

/** Says every half second where it runs. */
async function work(machine) {
  while (!ending) {
    await machine.run("/bin/true");
    console.log(`${machine.getIp()} works on ${machine.provider.name}`);
    await sleep(500);
  }
}

/** Has one machine after another do the work, until one comes to the end. */
async function keepWorking() {
  while (!ending) {
    const rental = await pool.acquire();
    hired.add(rental.agreement.provider.id);
    try {
      await work(await rental.getExeUnit());
    } catch (error) {
      console.error(`${rental.agreement.provider.name} failed: ${error.message}`);
    }
    // A provider that failed sends no invoice, which this would wait for.
    await pool.destroy(rental, 10_000);
  }
}

await Promise.all([keepWorking(), keepWorking()]);
await golem.destroyNetwork(network);
await golem.disconnect();
console.log("ended");
