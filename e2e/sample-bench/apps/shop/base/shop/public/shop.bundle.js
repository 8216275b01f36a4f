document.documentElement.dataset.shop = "loaded";
