// For every element with words of its own: how far they stand out from what is painted behind them.
(() => {
    const parts = (color) => {
        const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
        return { rgb: [r, g, b], a };
    };
    const over = (front, back) => front.rgb.map((c, i) => c * front.a + back[i] * (1 - front.a));
    const light = (rgb) => {
        const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    // The canvas itself follows the colour scheme.
    const canvas = document.createElement("p");
    canvas.style.color = "Canvas";
    document.body.append(canvas);
    const base = parts(getComputedStyle(canvas).color).rgb;
    canvas.remove();
    const behind = (element) => {
        if (!element) return base;
        return over(parts(getComputedStyle(element).backgroundColor), behind(element.parentElement));
    };
    const pale = [];
    for (const element of document.body.querySelectorAll("*")) {
        const words = [...element.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data.trim()).join("");
        if (!words || !element.checkVisibility()) continue;
        const back = behind(element);
        const [a, b] = [light(over(parts(getComputedStyle(element).color), back)), light(back)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) pale.push(ratio.toFixed(2) + " " + words);
    }
    return pale;
})()
