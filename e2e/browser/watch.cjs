// watch.cjs URL PATH opens a page of the broker in Chromium, has it read a stream with EventSource, and writes a line for
// all that happens to it: open, cut, record OFFSET. It ends with its input.
const path = require('node:path');

const tools = process.env.FLASHQ_BROWSER;
const { chromium } = require(path.join(tools, 'node_modules', 'playwright-core'));

const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];

async function main([url, stream]) {
  const browser = await chromium.launch({
    executablePath: path.join(tools, 'chromium', 'chromium'), args: quiet, timeout: 120_000,
  });
  process.stdin.resume().on('end', () => browser.close().finally(() => process.exit()));
  const page = await browser.newPage();
  await page.exposeFunction('tell', (line) => process.stdout.write(line + '\n'));
  await page.goto(url + '/health'); // the broker's own origin
  await page.evaluate((address) => {
    const source = new EventSource(address);
    source.onopen = () => tell('open');
    source.onmessage = (event) => tell('record ' + JSON.parse(event.data).offset);
    source.onerror = () => tell(source.readyState === EventSource.CLOSED ? 'closed' : 'cut');
  }, stream);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
