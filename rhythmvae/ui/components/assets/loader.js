// What Streamlit sends with every change is this; the component itself is a file that the browser keeps.
export default async function (component) {
  // The app may live under a path of its own, and a page's address says nothing of it: the scripts' does.
  const script = document.querySelector('script[src*="static/js/"]');
  const base = new URL("../../", script.src);
  const [data] = component.data;
  const { mount } = await import(new URL(data.module, base).href);
  return mount({ ...component, data }, base);
}
