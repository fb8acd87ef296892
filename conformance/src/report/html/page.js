"use strict";
(() => {
    const one = (selector, within = document) => within.querySelector(selector);
    const all = (selector, within = document) => [...within.querySelectorAll(selector)];
    const dialog = one("#exhibit"), content = one("#content"), form = one("#filters");
    const signs = all("button.sign");
    const words = Object.fromEntries(all("[data-rule]", one("#rules").content).map(rule => [rule.dataset.rule, rule.textContent]));

    // Opens what is behind a sign, with the exchange of one system unfolded; the address then leads there.
    function open(id, system) {
        const template = document.getElementById(id);
        if (!(template instanceof HTMLTemplateElement)) return;
        content.replaceChildren(template.content.cloneNode(true));
        for (const part of all("details.system", content)) part.open = !system || part.dataset.system === system;
        for (const rule of all(".rule", content)) rule.title = words[rule.textContent] || "";
        history.replaceState(null, "", `#${id}${system ? `/${system}` : ""}`);
        if (!dialog.open) dialog.showModal();
        content.scrollTop = 0;
        content.focus();
    }
    dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
    dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
    one("#close").addEventListener("click", () => dialog.close());
    addEventListener("click", event => {
        const sign = event.target.closest("button.sign"), choose = event.target.closest("button.choose");
        if (sign) { rest(sign); open(sign.dataset.open, sign.dataset.system); }
        if (choose) { form.section.value = choose.dataset.choose; filter(); one("#scenarios").scrollIntoView(); }
    });
    const [id, system] = decodeURIComponent(location.hash.slice(1)).split("/");
    if (id) open(id, system);

    // Filters: a sign that is not wanted fades, a row without any that is wanted goes.
    function filter() {
        const wanted = new Set(new FormData(form).getAll("sign")), section = form.section.value;
        const system = new FormData(form).get("system");
        document.body.dataset.only = system;
        let seen = 0;
        for (const sign of signs) {
            const { sign: verdict, system: on, section: where } = sign.dataset;
            const fits = (!wanted.size || wanted.has(verdict)) && (!system || on === system) && (!section || where === section);
            sign.classList.toggle("off", !fits);
            seen += fits;
        }
        for (const part of all("[data-system]:not(.system)")) part.hidden = Boolean(system) && part.dataset.system !== system;
        for (const head of all("[data-span]")) head.colSpan = system ? 1 : head.dataset.span;
        for (const row of all(".list tbody tr")) row.hidden = !one("button.sign:not(.off)", row);
        for (const table of all(".list")) table.hidden = !one("tbody tr:not([hidden])", table);
        form.count.value = `${seen} of ${signs.length}`;
        for (const grid of all(".grid")) rest(one('[tabindex="0"]:not(.off)', grid) || one("button.sign:not(.off)", grid));
    }
    form.addEventListener("input", filter);
    form.addEventListener("submit", event => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(filter));

    // In each table Tab reaches one sign; the arrows go on from there.
    function rest(sign) {
        if (!sign) return;
        for (const other of all('[tabindex="0"]', sign.closest(".grid"))) other.tabIndex = -1;
        sign.tabIndex = 0;
    }
    addEventListener("keydown", event => {
        const sign = event.target.closest?.(".grid button.sign");
        const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
        if (!sign || !step) return;
        event.preventDefault();
        const rows = all(".grid tbody tr").map(row => all("button.sign", row).filter(sign => sign.offsetParent));
        const visible = rows.filter(row => row.length);
        const y = visible.findIndex(row => row.includes(sign)), x = visible[y].indexOf(sign);
        const row = visible[y + step[0]] || visible[y];
        const next = row[Math.min(x + step[1], row.length - 1)];
        if (next) { rest(next); next.focus(); }
    });
    filter();
})();
