// The page's texts in the reader's language, which the page passes in.
const texts = JSON.parse(document.documentElement.dataset.texts);

export const t = (key, values = {}) =>
  Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), texts[key]);

export const numberText = (value, places) =>
  new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: places, maximumFractionDigits: places }).format(value);

export function ageInWords(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return t("second", { count: seconds });
  if (seconds < 3600) return t("minute", { count: Math.floor(seconds / 60) });
  return t("hour", { count: Math.floor(seconds / 3600) });
}
