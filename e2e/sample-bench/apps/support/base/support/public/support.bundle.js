document.documentElement.dataset.support = "loaded";
