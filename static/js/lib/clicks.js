// A click that follows a link in this tab: scripts may take it over. Others open a tab or a window, which the browser does.
export const isPlainClick = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
