"""Figures for paper: any Plotly figure of grokscope as SVG, PDF or PNG, drawn by matplotlib, without a browser."""
