/** Changes a setting of the file that is named, again and again until it is killed. */
import { ConfigurationFile } from "../persist.ts";

const file = new ConfigurationFile(Deno.args[0]);
for (let value = 0;; value = (value + 1) % 1000) {
  await file.change({ kind: "set", key: "cacheSize", value });
  if (value === 5) console.log("writing");
}
