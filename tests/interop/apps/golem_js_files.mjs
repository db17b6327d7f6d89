// A file there, changed by a program whose output is streamed, and back again.
import { withMachines } from "./machines.mjs";

const [source, target] = process.argv.slice(2);

await withMachines(1, "web:latest", async ([machine]) => {
  await machine.uploadFile(source, "/root/there");
  const counting = await machine.runAndStream("echo $(wc -c < /root/there) bytes; tac /root/there > /root/back");
  counting.stdout.subscribe((text) => console.log(`counted ${String(text).trim()}`));
  await counting.waitForExit(30_000);
  await machine.downloadFile("/root/back", target);
});
