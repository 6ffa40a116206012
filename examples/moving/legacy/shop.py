"""The application as it was: a small shop in Flask. It is not changed for the move."""

import os

from flask import Flask, redirect, render_template, request, session, url_for

app = Flask(__name__)
app.secret_key = os.environ["SHOP_SECRET"]

GOODS = {"gear": 12, "spring": 3, "screw": 1}


@app.route("/")
def index():
    return render_template("index.html", goods=GOODS, user=session.get("user"))


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        session["user"] = request.form["user"]
        return redirect(url_for("index"))
    return render_template("login.html")


@app.route("/cart")
def cart():
    return render_template("cart.html", cart=session.get("cart", {}), by="Python")


@app.route("/cart/<name>", methods=["POST"])
def add(name):
    if name not in GOODS:
        return "We do not have that.\n", 404
    cart = session.get("cart", {})
    cart[name] = cart.get(name, 0) + 1
    session["cart"] = cart
    return redirect(url_for("cart"))


@app.route("/checkout")
def checkout():
    cart = session.get("cart", {})
    total = sum(GOODS[name] * count for name, count in cart.items())
    return render_template("checkout.html", user=session.get("user"), cart=cart, total=total)
