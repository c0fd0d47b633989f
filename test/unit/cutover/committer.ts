// A process of its own that commits `<key>: 100`: committer.ts <stack file> <key>
import { Repository } from "../../../cutover/repository";
import { set } from "./gitFixture";

async function main([file = "", key = ""]: readonly string[]): Promise<void> {
  const repository = await Repository.containing(file);
  await repository.commit(set(key), `sets ${key}`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(String(error));
  process.exitCode = 1;
});
