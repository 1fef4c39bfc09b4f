#!/usr/bin/env node
// approve.js URL   opens the URL in headless Chromium, logs in, approves, ends on the callback page.  Use it as $BROWSER.
// Needs playwright-core (NODE_PATH names its folder) and a Chromium (Debian package chromium, or CHROMIUM=/path).
// env: APPROVE_USER APPROVE_PASS APPROVE_ACTION=approve|deny|abandon   APPROVE_SHOT=last-page.png   APPROVE_PAGES=dir (every page)
//      APPROVE_LOG=file.jsonl   APPROVE_INSECURE=1 (any TLS certificate)   APPROVE_PROXY=http://host:port
//      APPROVE_CODE=USER-CODE (for a device page)   APPROVE_PRINT_CALLBACK=1 (prints the callback URL: paste-back)
const { chromium } = require('playwright-core');
const fs = require('fs'), os = require('os'), path = require('path');
const env = process.env, url = process.argv[2];
if (!url) { console.error('usage: approve.js URL'); process.exit(2); }
const user = env.APPROVE_USER || 'ada', pass = env.APPROVE_PASS || 'pw-' + user, action = env.APPROVE_ACTION || 'approve';
const browser = env.CHROMIUM || ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => (env.PATH || '').split(':').map((dir) => path.join(dir, name))).find((file) => fs.existsSync(file));
const log = (entry) => {
  const line = JSON.stringify({ t: Date.now() / 1000, ...entry });
  if (env.APPROVE_LOG) fs.appendFileSync(env.APPROVE_LOG, line + '\n'); else if (!env.APPROVE_PRINT_CALLBACK) console.log(line);
};
const isCallback = (u) => /^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+\/callback(\?|$)/.test(u);
const noCode = (u) => u.replace(/code=[^&]+/, 'code=…');

(async () => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'approve-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: browser, headless: true, ignoreHTTPSErrors: env.APPROVE_INSECURE === '1', viewport: { width: 900, height: 650 },
    ...(env.APPROVE_PROXY ? { proxy: { server: env.APPROVE_PROXY } } : {}),
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
      '--disable-background-networking', '--disable-component-update', '--host-resolver-rules=MAP *.test 127.0.0.1'],
  });
  let rc = 1, shots = 0, callback = null;
  const page = context.pages()[0] || await context.newPage();
  page.setDefaultTimeout(15000);
  page.on('request', (r) => { if (r.isNavigationRequest() && isCallback(r.url())) callback = r.url(); });
  const click = (what) => Promise.all([
    page.waitForNavigation({ waitUntil: 'load' }).catch(() => {}), what.click({ noWaitAfter: true })]);
  try {
    await page.goto(url, { waitUntil: 'load' }).catch((e) => { if (!callback) throw e; });
    for (let step = 0; step < 10; step++) {
      if (env.APPROVE_PAGES) {
        fs.mkdirSync(env.APPROVE_PAGES, { recursive: true });
        await page.screenshot({ path: path.join(env.APPROVE_PAGES, `page${++shots}.png`) });
      }
      log({ step, url: page.url().replace(/\?.*/, ''), title: await page.title().catch(() => '') });
      if (callback) break;
      if (action === 'abandon') { rc = 0; break; }
      const password = page.locator('input[type=password]:visible');
      if (await password.count()) {
        await page.locator('input[name=username]:visible, input[name=login]:visible, input[name=email]:visible').first().fill(user);
        await password.first().fill(pass);
        await click(page.locator('form:has(input[type=password])').locator('button:not([type=button]), input[type=submit]').first());
        continue;
      }
      const code = page.locator('input[name=user_code]:visible');
      if (await code.count() && (env.APPROVE_CODE || await code.first().inputValue())) {
        if (env.APPROVE_CODE && !(await code.first().inputValue())) await code.first().fill(env.APPROVE_CODE);
        const inForm = page.locator('form:has(input[name=user_code])').locator('button:not([type=button]), input[type=submit]');
        await click(await inForm.count() ? inForm.first() : page.locator('button[type=submit]:visible, input[type=submit]:visible').first());
        continue;
      }
      const button = action === 'deny'
        ? page.locator('input[value=Cancel], button:has-text("Cancel"), a:has-text("Cancel"), button[value=deny], button:has-text("Deny")')
        : page.locator('input[name=allow], button:has-text("Authorize"), button:has-text("Continue"), button[value=accept], input[value=Accept], button:has-text("Accept"), button:has-text("Approve")');
      if (await button.count()) { await click(button.first()); continue; }
      if (step > 0) rc = /approved|authorized|success|device/i.test(await page.content()) ? 0 : 1;
      break;
    }
    if (callback) {
      rc = 0;
      log({ callback: noCode(callback), params: [...new URL(callback).searchParams.keys()] });
      if (env.APPROVE_PRINT_CALLBACK) console.log(callback);
    }
    await page.waitForTimeout(300);
    log({ final: noCode(page.url()), text: (await page.locator('body').innerText().catch(() => '')).slice(0, 2000) });
    if (env.APPROVE_SHOT) await page.screenshot({ path: env.APPROVE_SHOT });
  } catch (e) { log({ error: String(e).slice(0, 500) }); rc = 1; }
  await context.close().catch(() => {});
  fs.rmSync(profile, { recursive: true, force: true });
  process.exit(rc);
})();
