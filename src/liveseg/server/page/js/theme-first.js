// Before anything is drawn, or the page would flash in the other theme. No module: those wait for the whole page.
{
  const chosen = localStorage.getItem("liveseg.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
