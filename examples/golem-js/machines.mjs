// Machines at Golem providers in one private network, for the programs of this folder.
import { GolemNetwork } from "@golem-sdk/golem-js";

/** Describes what machines are asked for. */
export const order = (imageTag, network) => ({
  demand: { workload: { imageTag, capabilities: ["vpn"] } },
  market: {
    rentHours: 0.5,
    pricing: { model: "linear", maxStartPrice: 0.5, maxCpuPerHourPrice: 1.0, maxEnvPerHourPrice: 0.5 },
  },
  network,
});

/** Hires machines that run an image, calls `use` with them, then gives them back and pays for them. */
export async function withMachines(count, imageTag, use) {
  const golem = new GolemNetwork();
  await golem.connect();
  try {
    const network = await golem.createNetwork({ ip: "192.168.0.0/24" });
    const pool = await golem.manyOf({ poolSize: { min: count, max: count }, order: order(imageTag, network) });
    try {
      const rentals = await Promise.all(Array.from({ length: count }, () => pool.acquire()));
      await use(await Promise.all(rentals.map((rental) => rental.getExeUnit())));
    } finally {
      await pool.drainAndClear();
      await golem.destroyNetwork(network);
    }
  } finally {
    await golem.disconnect();
  }
}

/** Resolves when the program is interrupted. */
export const interrupted = () =>
  new Promise((resolve) => ["SIGINT", "SIGTERM"].forEach((name) => process.once(name, resolve)));

/** Reads `--name value` from the command line. */
export function option(name, fallback) {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? fallback : process.argv[index + 1];
}
