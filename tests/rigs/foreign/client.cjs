// One download by tuf-js: node client.cjs STORE-URL FOLDER TARGET, with the trusted root in FOLDER/root.json.
const { Updater } = require('tuf-js');

async function run(url, folder, target) {
  const client = new Updater({
    metadataDir: folder,
    metadataBaseUrl: `${url}/tuf`,
    targetDir: folder,
    targetBaseUrl: `${url}/tuf/targets`,
  });
  await client.refresh();
  const found = await client.getTargetInfo(target);
  if (found === undefined) {
    throw new Error(`${target} is not there`);
  }
  await client.downloadTarget(found, `${folder}/image`);
}

run(...process.argv.slice(2)).catch((err) => {
  console.log(String(err));
  process.exit(1);
});
