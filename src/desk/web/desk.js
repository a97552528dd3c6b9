// What makes the desk handier where there is script; every page works without it.
"use strict";

// A button that copies what stands in it, beside each record and text made to be copied.
for (const place of document.querySelectorAll("[data-copy]")) {
	if (!navigator.clipboard)
		break;
	const button = document.createElement("button");
	const text = place.value || place.textContent;
	button.type = "button";
	button.className = "copy";
	button.textContent = "Copy";
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(text);
		button.textContent = "Copied";
		setTimeout(() => { button.textContent = "Copy"; }, 2000);
	});
	place.after(button);
}

// A report chosen or dropped is read into the field; octets stay what they are as far as UTF-8 goes.
async function fill(field, file) {
	if (!file)
		return;
	field.value = await file.text();
	field.focus();
}

for (const input of document.querySelectorAll("[data-file]"))
	input.addEventListener("change", () => fill(document.getElementById(input.dataset.file), input.files[0]));

for (const field of document.querySelectorAll("[data-drop]")) {
	field.addEventListener("dragover", (event) => event.preventDefault());
	field.addEventListener("drop", (event) => {
		if (event.dataTransfer.files.length === 0)
			return;
		event.preventDefault();
		fill(field, event.dataTransfer.files[0]);
	});
}

document.documentElement.classList.add("scripted");
