// @ts-check
/**
 * Completion in Explore: names of metrics, then of labels inside braces, then their values. The list is a listbox under
 * the field; Tab or Enter takes the chosen one, Escape closes it, Ctrl Enter runs the expression.
 */
/** @typedef {{name: string, type?: string, help?: string}} Name */
const field = /** @type {HTMLTextAreaElement | null} */ (document.querySelector('textarea[data-complete]'));

/**
 * What stands left of the caret: a metric's name, a label of a metric, or a label's value.
 * @param {string} left
 */
function context(left) {
  const value = left.match(/([a-zA-Z_:][\w:]*)\{[^}]*?([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"([^"]*)$/);
  if (value) return { metric: value[1], label: value[2], word: value[3] };
  const label = left.match(/([a-zA-Z_:][\w:]*)\{(?:[^}"]|"[^"]*")*?([a-zA-Z_]\w*)?$/);
  if (label) return { metric: label[1], label: '', word: label[2] ?? '' };
  const name = left.match(/([a-zA-Z_:][\w:]*)$/);
  return name ? { metric: '', label: '', word: name[1] } : null;
}

/** @param {HTMLTextAreaElement} area */
function attach(area) {
  const list = document.createElement('div');
  list.className = 'complete'; list.id = 'complete'; list.hidden = true;
  list.setAttribute('role', 'listbox'); list.setAttribute('aria-label', 'Completions');
  area.after(list);
  area.setAttribute('aria-autocomplete', 'list');
  area.setAttribute('aria-controls', 'complete');
  let chosen = 0, turn = 0;

  const close = () => { list.hidden = true; area.removeAttribute('aria-activedescendant'); };
  const mark = () => {
    [...list.children].forEach((o, i) => o.setAttribute('aria-selected', String(i === chosen)));
    const now = list.children[chosen];
    if (now) { area.setAttribute('aria-activedescendant', now.id); now.scrollIntoView({ block: 'nearest' }); }
  };
  /** @param {string} text */
  const take = (text) => {
    const at = area.selectionStart, here = context(area.value.slice(0, at));
    if (!here) return close();
    const from = at - here.word.length;
    area.setRangeText(text, from, at, 'end');
    close();
    area.focus();
  };
  const ask = async () => {
    const here = context(area.value.slice(0, area.selectionStart)), mine = ++turn;
    if (!here || !here.metric && here.word.length < 2) return close();
    const url = new URL(area.dataset.complete ?? '', location.href);
    if (here.metric) { url.searchParams.set('metric', here.metric); url.searchParams.set('label', here.label); }
    else url.searchParams.set('q', here.word);
    const reply = await fetch(url, { headers: { accept: 'application/json' } }).catch(() => null);
    if (!reply?.ok || mine !== turn) return;
    /** @type {(Name | string)[]} */
    const items = (await reply.json()).items;
    const shown = items.map((i) => (typeof i === 'string' ? { name: i } : i)).filter((i) => !here.metric || i.name.toLowerCase().startsWith(here.word.toLowerCase())).slice(0, 12);
    if (mine !== turn || !shown.length || shown.length === 1 && shown[0].name === here.word) return close();
    list.replaceChildren(...shown.map((item, i) => {
      const o = document.createElement('div'), hint = document.createElement('span');
      o.id = `complete-${i}`; o.setAttribute('role', 'option');
      hint.className = 'h'; hint.textContent = [item.type, item.help].filter(Boolean).join(': ');
      o.append(item.name, hint);
      o.addEventListener('mousedown', (e) => { e.preventDefault(); take(item.name); });
      return o;
    }));
    chosen = 0; list.hidden = false; mark();
  };

  let wait = 0;
  area.addEventListener('input', () => { clearTimeout(wait); wait = window.setTimeout(ask, 120); });
  area.addEventListener('blur', close);
  area.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); area.form?.requestSubmit(); return; }
    if (list.hidden) return;
    const n = list.children.length;
    if (e.key === 'ArrowDown') chosen = (chosen + 1) % n;
    else if (e.key === 'ArrowUp') chosen = (chosen + n - 1) % n;
    else if (e.key === 'Tab' || e.key === 'Enter') { e.preventDefault(); take(list.children[chosen].firstChild?.textContent ?? ''); return; }
    else if (e.key === 'Escape') { close(); return; }
    else return;
    e.preventDefault(); mark();
  });
}
if (field) attach(field);
export {};
